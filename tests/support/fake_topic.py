"""A topic that a test controls, behind as much of aiokafka's consumer as a reader of it uses."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError

from tests.support.live import LiveRecord

TOPIC = "playvitals.windows"


def empty_logs() -> dict[int, list[LiveRecord | None]]:
    """Two partitions without a record."""
    return {0: [], 1: []}


@dataclass
class FakeBroker:
    """A broker, and the partitions of a topic in memory; None: it does not exist."""

    logs: dict[int, list[LiveRecord | None]] | None = field(default_factory=empty_logs)
    """None is what no consumer is given: the marker of a transaction."""
    begin: int = 0
    end_behind: int = 0
    """How far the answered end is behind the real one, as with the embedded broker."""
    away: bool = False
    silent: bool = False
    out_of_range: bool = False
    connections: int = 0
    polls: int = 0
    now_seconds: float = 1_000_000.0
    seconds_per_poll: float = 0.0
    records_per_poll: int = 1_000_000

    def append(self, partition: int, *values: bytes) -> None:
        assert self.logs is not None
        log = self.logs[partition]
        for value in values:
            log.append(LiveRecord(b"k", value, partition, len(log)))

    def connect(self) -> "FakeConsumer":
        return FakeConsumer(self)


class FakeConsumer:
    """As much of aiokafka's consumer as the reader uses."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {}
        self._polled_ms: int | None = None

    async def start(self) -> None:
        if self._broker.away:
            raise KafkaConnectionError("no broker")
        self._broker.connections += 1

    async def stop(self) -> None:
        return

    async def topics(self) -> set[str]:
        return set() if self._broker.logs is None else {TOPIC}

    def assign(self, tps: Sequence[TopicPartition]) -> None:
        self._positions = dict.fromkeys(tps, -1)

    async def beginning_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self._broker.begin)

    async def end_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: max(0, self._end(tp) - self._broker.end_behind) for tp in tps}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._positions[tp] = offset

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[LiveRecord]]:
        await asyncio.sleep(0.001)
        broker = self._broker
        max_records = min(max_records, broker.records_per_poll)
        if broker.out_of_range:
            broker.out_of_range = False
            raise OffsetOutOfRangeError(self._positions)
        if broker.silent:
            return {}
        broker.polls += 1
        broker.now_seconds += broker.seconds_per_poll
        self._polled_ms = round(broker.now_seconds * 1000)
        for tp, at in self._positions.items():
            fetched = (broker.logs or {})[tp.partition][at : at + max_records]
            if fetched:
                self._positions[tp] += len(fetched)
                records = [record for record in fetched if record is not None]
                return {tp: records} if records else {}
        return {}

    def highwater(self, tp: TopicPartition) -> int | None:
        return None if self._polled_ms is None else self._end(tp)

    async def position(self, tp: TopicPartition) -> int:
        return self._positions[tp]

    def last_poll_timestamp(self, tp: TopicPartition) -> int | None:
        return self._polled_ms

    def _end(self, tp: TopicPartition) -> int:
        return len((self._broker.logs or {})[tp.partition])
