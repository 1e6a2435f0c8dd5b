"""``python -m bench.peers.aiokafka_loop``: the job as a hand-written loop, for nothing but speed.

Large fetches, all of a partition at a time through one function with locals bound outside its loop;
ids in a set and views in a dict per partition; sums per combination of values, spread over the
dimensions once per fetch; one batch per partition and fetch on the way out, on uvloop.

Nothing is durable: ids, views and panes are gone when the process ends, and what it does after a
restart, a rebalance or a failed write is nobody's concern. This is about what Python can do at all
on the job, and no program to run. Missing besides: late and out-of-order events, view time-outs,
quantiles, forgetting of ids.
"""

import asyncio
import gc
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.peers.job import (
    Completion,
    Panes,
    PlayStart,
    Rebuffer,
    Swipe,
    WatchProgress,
    read,
)
from bench.peers.meter import Job, Meter, peer_main
from bench.totals import Totals
from models.timestamps import format_timestamp, parse_timestamp_ms

FETCH_BYTES = 1 << 20
BATCH_BYTES = 512 << 10
PENDING_BATCHES = 48

_CANONICAL_LENGTH = 24
# Of 2026-01-02T03:04:05.678Z, what a pane of ten seconds has in common.
_PANE_LENGTH = 18


class Record(Protocol):
    """What the loop needs of a consumed record."""

    @property
    def key(self) -> bytes | None:
        """The session."""

    @property
    def value(self) -> bytes | None:
        """The event."""

    @property
    def timestamp(self) -> int:
        """In ms since 1970."""


R = TypeVar("R", bound=Record)
_Values = tuple[str, str, str, str, str, str]


class Partition:
    """All that is known of one partition; ``totals`` and ``panes`` are those of the process."""

    def __init__(self, totals: Totals, panes: Panes) -> None:
        self._totals = totals
        self._panes = panes
        self._seen = set[str]()
        self._views: dict[str, list[Any]] = {}

    def take(self, records: Iterable[R]) -> list[R]:
        """Count the events of some records; those that are forwarded."""
        seen, views, combined = self._seen, self._views, dict[_Values, list[int]]()
        accepted: list[R] = []
        plays = completions = rebuffers = rebuffer_ms = duplicates = 0
        for record in records:
            event: Any = read(record.value)
            if event is None:
                continue
            event_id = event.event_id
            if event_id in seen:
                duplicates += 1
                continue
            seen.add(event_id)
            accepted.append(record)

            kind = type(event)
            content = event.data.to_content_id if kind is Swipe else event.content_id
            view = views.get(event.session_id)
            if view is None:
                view = views[event.session_id] = [content, False, False, 0]
            elif view[0] != content:
                view[:] = (content, False, False, 0)

            stamp = event.timestamp
            if len(stamp) != _CANONICAL_LENGTH or stamp[-1] != "Z":
                stamp = format_timestamp(parse_timestamp_ms(stamp) or 0)
            values = (
                *(stamp[:_PANE_LENGTH], event.platform, event.country),
                *(event.network_type, event.cdn, event.app_version),
            )
            sums = combined.get(values)
            if sums is None:
                sums = combined[values] = [0, 0, 0, 0, 0, 0, 0]
            sums[0] += 1

            if kind is WatchProgress:
                position_ms = round(event.data.current_time * 1000)
                if position_ms > view[3]:
                    sums[6] += position_ms - view[3]
                view[3] = position_ms
            elif kind is PlayStart:
                if not view[1]:
                    view[1] = True
                    plays += 1
                    sums[1] += 1
                    sums[2] += event.data.startup_time
            elif kind is Completion:
                if not view[2]:
                    view[2] = True
                    completions += 1
                    sums[3] += 1
            elif kind is Rebuffer:
                rebuffers += 1
                rebuffer_ms += event.data.duration
                sums[4] += 1
                sums[5] += event.data.duration
        self._spread(combined)
        totals = self._totals
        totals.accepted += len(accepted)
        totals.duplicate += duplicates
        totals.plays += plays
        totals.completions += completions
        totals.rebuffers += rebuffers
        totals.rebuffer_ms += rebuffer_ms
        return accepted

    def _spread(self, combined: Mapping[_Values, list[int]]) -> None:
        for (pane, *values), sums in combined.items():
            pane_ms = parse_timestamp_ms(f"{pane}0.000Z") or 0
            self._panes.add_sums(pane_ms, values, sums)


async def _forward(
    producer: AIOKafkaProducer, topic: str, partition: int, records: list[Any]
) -> list[asyncio.Future[Any]]:
    """Hand over records in as few batches as they fit into."""
    sent = []
    batch = producer.create_batch()
    append = batch.append
    for record in records:
        if append(timestamp=record.timestamp, key=record.key, value=record.value) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            append = batch.append
            append(timestamp=record.timestamp, key=record.key, value=record.value)
    if batch.record_count():
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    return sent


async def take_in(job: Job, totals: Totals) -> None:
    """Consume and forward until all events of the job are counted and acknowledged."""
    panes = Panes()
    partitions: dict[int, Partition] = {}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=job.servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=job.partitions * FETCH_BYTES,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=job.servers, acks="all", max_batch_size=BATCH_BYTES
    )
    await consumer.start()
    await producer.start()
    pending = deque[asyncio.Future[Any]]()
    try:
        consumer.assign([TopicPartition(job.raw, n) for n in range(job.partitions)])
        while totals.accepted + totals.duplicate < job.events:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                partition = partitions.get(place.partition)
                if partition is None:
                    partition = partitions[place.partition] = Partition(totals, panes)
                accepted = partition.take(records)
                pending += await _forward(producer, job.accepted, place.partition, accepted)
            while len(pending) > PENDING_BATCHES:
                await pending.popleft()
        await asyncio.gather(*pending)
    finally:
        await consumer.stop()
        await producer.stop()


def run(job: Job) -> Mapping[str, Any]:
    """Take in all events of the job."""
    totals = Totals()
    meter = Meter(totals, job.events)
    meter.start()
    # Strings and rows by the million, none of them in a cycle: the collector finds nothing.
    gc.disable()
    uvloop.run(take_in(job, totals))
    return meter.report()


if __name__ == "__main__":
    sys.exit(peer_main("bench.peers.aiokafka_loop", __doc__, run))
