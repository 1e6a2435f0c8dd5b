"""``python -m bench.peers.quix``: the job in Quix Streams 3, its state in RocksDB.

One record at a time through a stateful step, keyed by the record's key, the session: decode and
check, drop repetitions and follow the view by the state of the key, add to the panes, forward.
Event ids and views are durable: each change is written to RocksDB and to a changelog topic, and
offsets are committed every 5 s, Quix's default, at least once. The panes are not: state belongs to
a key, and sums over keys would need a repartitioning topic per dimension, six more records per
event; so they are sums of the process, which is faster, and gone when it ends.

Missing besides: late and out-of-order events, view time-outs, quantiles, figures merged over
partitions, exactness through a crash, forgetting of ids.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from bench.peers.job import Panes, count_gains, follow, new_view, pane_of, read, slices_of
from bench.peers.meter import Job, Meter, peer_main
from bench.totals import Totals

FETCH_BYTES = 16 << 20
SPREAD_EVENTS = 1000


class State(Protocol):
    """What Quix Streams keeps for a key."""

    def get(self, key: str) -> Any:
        """What was set, or None."""

    def set(self, key: str, value: Any) -> None:
        """Keep a value that JSON has a form for."""


class Counting:
    """The step of the dataflow."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.panes = Panes()

    def takes(self, value: bytes, state: State) -> bool:
        """Whether an event is forwarded; if it is, it is counted."""
        event = read(value)
        if event is None:
            return False
        if state.get(event.event_id) is not None:
            self.totals.duplicate += 1
            return False
        state.set(event.event_id, 1)
        view = state.get("view") or new_view()
        gains = follow(view, event)
        state.set("view", view)
        self.panes.add(pane_of(event), slices_of(event), gains)
        count_gains(self.totals, gains)
        if not self.totals.accepted % SPREAD_EVENTS:
            self.panes.spread()
        return True


def run(job: Job) -> Mapping[str, Any]:
    """Take in all events of the job."""
    # Here, so that the step above can be tested where the framework is not installed.
    from quixstreams import Application
    from quixstreams.models import TopicConfig

    counting = Counting()
    with TemporaryDirectory() as folder:
        app = Application(
            job.servers,
            consumer_group=f"{job.prefix}quix",
            auto_offset_reset="earliest",
            state_dir=Path(folder),
            loglevel="WARNING",
            consumer_extra_config={"fetch.max.bytes": FETCH_BYTES},
            producer_extra_config={
                "linger.ms": 50,
                # The embedded broker has no idempotent producer.
                **({"enable.idempotence": False, "acks": "all"} if job.embedded else {}),
            },
        )
        raw = app.topic(job.raw, key_deserializer="bytes", value_deserializer="bytes")
        if job.embedded:
            # It does not tell how long it keeps a topic, and Quix looks for that.
            kept = {"retention.ms": "-1"}
            raw.broker_config = TopicConfig(job.partitions, 1, extra_config=kept)
        accepted = app.topic(job.accepted, key_serializer="bytes", value_serializer="bytes")
        events = app.dataframe(raw)
        events.filter(counting.takes, stateful=True).to_topic(accepted)
        meter = Meter(counting.totals, job.events, app.stop)
        meter.start()
        app.run()
        return meter.report()


if __name__ == "__main__":
    sys.exit(peer_main("bench.peers.quix", __doc__, run))
