"""``python -m bench.peers.bytewax_flow``: the job as a Bytewax dataflow.

Batches of a thousand records from each partition: decode and check a batch at a time, drop
repetitions and follow the view in a stateful step keyed by session, forward; sum what a batch adds
per pane and value before it goes to a second stateful step keyed by value, so that six sums per
event do not become six items per event.

Nothing is durable: no recovery store is configured, and the dataflow keeps its own offsets nowhere
else. With one Bytewax snapshots the state of each key that changed to SQLite, once an epoch.
Missing besides: late and out-of-order events, view time-outs, quantiles, forgetting of ids.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from bench.peers.job import (
    Event,
    Gains,
    Panes,
    View,
    count_gains,
    follow,
    new_view,
    pane_of,
    read,
    slices_of,
)
from bench.peers.meter import Job, Meter, peer_main
from bench.totals import Totals

BATCH_RECORDS = 1000
RETAIN = False
"""Of Bytewax: the state of the key is kept."""


class Message(Protocol):
    """What the dataflow needs of a consumed record."""

    @property
    def key(self) -> bytes | None:
        """The session."""

    @property
    def value(self) -> bytes | None:
        """The event."""


Counted = tuple[Event, Gains, Message]
Sums = dict[tuple[int, str, str], list[int]]


class Session:
    """The ids and the view of one session."""

    def __init__(self, totals: Totals, resume: tuple[set[str], View] | None) -> None:
        self._totals = totals
        self._seen, self._view = resume or (set[str](), new_view())

    def on_batch(self, values: list[tuple[Event, Message]]) -> tuple[Iterable[Counted], bool]:
        """First-seen events with what they add; the session is kept."""
        counted = []
        for event, message in values:
            if event.event_id in self._seen:
                self._totals.duplicate += 1
                continue
            self._seen.add(event.event_id)
            gains = follow(self._view, event)
            count_gains(self._totals, gains)
            counted.append((event, gains, message))
        return counted, RETAIN

    def snapshot(self) -> tuple[set[str], View]:
        """What a recovery store would keep."""
        return set(self._seen), list(self._view)


def decoded(messages: Sequence[Message]) -> Iterable[tuple[str, tuple[Event, Message]]]:
    """Valid events of a batch, by session."""
    for message in messages:
        event = read(message.value)
        if event is not None:
            yield event.session_id, (event, message)


def sums_of(batch: list[tuple[str, Counted]]) -> Iterable[tuple[str, Sums]]:
    """What a batch adds, by value of a dimension."""
    panes = Panes()
    for _, (event, gains, _) in batch:
        panes.add(pane_of(event), slices_of(event), gains)
    panes.spread()
    by_value: dict[str, Sums] = {}
    for key, sums in panes.sums.items():
        by_value.setdefault(f"{key[1]}={key[2]}", {})[key] = sums
    return by_value.items()


def merged(state: Panes | None, sums: Sums) -> tuple[Panes, Iterable[None]]:
    """Add to the panes of a value."""
    panes = state or Panes()
    for key, gains in sums.items():
        panes.merge(key, gains)
    return panes, ()


def run(job: Job) -> Mapping[str, Any]:
    """Take in all events of the job."""
    # Here, so that the steps above can be tested where the framework is not installed.
    import bytewax.operators as op
    from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSource
    from bytewax.connectors.kafka import operators as kop
    from bytewax.dataflow import Dataflow
    from bytewax.operators import StatefulBatchLogic
    from bytewax.testing import run_main

    class SessionLogic(Session, StatefulBatchLogic):  # type: ignore[misc] # untyped without it
        pass

    def forwarded(batch: list[tuple[str, Counted]]) -> list[Any]:
        return [KafkaSinkMessage(message.key, message.value) for _, (_, _, message) in batch]

    totals = Totals()
    servers = [job.servers]
    source = KafkaSource(servers, [job.raw], tail=False, batch_size=BATCH_RECORDS)
    flow = Dataflow("peer")
    events = op.flat_map_batch("decode", op.input("raw", flow, source), decoded)
    counted = op.stateful_batch("count", events, lambda resume: SessionLogic(totals, resume))
    sums = op.flat_map_batch("sum", counted, sums_of)
    op.inspect("panes", op.stateful_flat_map("merge", sums, merged), lambda *_: None)
    output = op.flat_map_batch("forward", counted, forwarded)
    kop.output("accepted", output, brokers=servers, topic=job.accepted)
    meter = Meter(totals, job.events)
    meter.start()
    run_main(flow)
    return meter.report()


if __name__ == "__main__":
    sys.exit(peer_main("bench.peers.bytewax_flow", __doc__, run))
