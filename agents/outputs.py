"""Writes what the agents produce to the downstream topics."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tables.partition import AcceptedRecord

SOURCE_HEADER = "pv-src"


class RecordWriter(Protocol):
    """Batches records per partition; the future resolves when the broker has them for good."""

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> "asyncio.Future[None]": ...

    async def wait_room(self) -> None: ...

    async def flush(self) -> None: ...


class RunWriter(RecordWriter, Protocol):
    """Takes many records of one partition at once; the futures are those of their batches."""

    def append_run(
        self, topic: str, partition: int, records: Sequence[AcceptedRecord], header: str
    ) -> "list[asyncio.Future[None]]": ...


class TopicNames(Protocol):
    """Full topic names: ``topic("views")``."""

    def topic(self, name: str) -> str: ...


class KafkaOutputs:
    """The downstream topics of the worker.

    Args:
        partition_of: Kafka's default partitioner for the number of partitions in use.
        fail: called when a record could not be written: the worker must stop then, and its
            successor writes the record again.
    """

    def __init__(
        self,
        names: TopicNames,
        writer: RunWriter,
        partition_of: Callable[[bytes], int],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._writer = writer
        self._partition_of = partition_of
        self._fail = fail
        self._raw = names.topic("events.raw")
        self._accepted = names.topic("events.accepted")
        self._rejected = names.topic("events.rejected")
        self._views = names.topic("views")
        self._panes = names.topic("panes")
        self._contents = names.topic("contents")
        self._windows = names.topic("windows")
        self._health = names.topic("health")
        self._state = names.topic("state")
        self._watched: set[asyncio.Future[None]] = set()

    def accepted(self, partition: int, records: Sequence[AcceptedRecord]) -> None:
        """Records of ``events.accepted``, with the raw record's partition:offset as a header."""
        for future in self._writer.append_run(self._accepted, partition, records, SOURCE_HEADER):
            self._watch(future)

    def rejected(self, partition: int, key: bytes | None, value: bytes, clock_ms: int) -> None:
        """One record of ``events.rejected``."""
        self._append(self._rejected, partition, key, value, clock_ms)

    def view(self, key: bytes, value: bytes, clock_ms: int) -> None:
        """One record of ``views``."""
        self._append(self._views, self._partition_of(key), key, value, clock_ms)

    def partial(self, dimension: str, value: bytes) -> None:
        """One publication of panes; its record time is the wall clock, which ages the topic."""
        key = dimension.encode()
        self._append(self._panes, self._partition_of(key), key, value, None)

    def contents(self, partition: int, value: bytes) -> None:
        """One publication of gains, of contents that belong to ``partition``; its record time is
        the wall clock, which ages the topic."""
        self._append(self._contents, partition, None, value, None)

    def window(self, key: str, value: bytes | None, clock_ms: int) -> None:
        """One slice of the ``windows`` topic; None is its tombstone."""
        encoded = key.encode()
        self._append(self._windows, self._partition_of(encoded), encoded, value, clock_ms)

    def health(self, partition: int, value: bytes) -> None:
        """How a raw partition stands; its record time is the wall clock."""
        key = str(partition).encode()
        self._append(self._health, self._partition_of(key), key, value, None)

    def tick(self, partition: int, header: str, clock_ms: int) -> None:
        """A record of the raw topic that only moves the clock."""
        self._append(self._raw, partition, None, None, clock_ms, [(header, b"")])

    def state(self, partition: int, key: bytes, value: bytes | None) -> "asyncio.Future[None]":
        """A record of a checkpoint, or the tombstone of one; its acknowledgement."""
        return self._append(self._state, partition, key, value, None)

    async def flush(self) -> None:
        """Return once everything written so far is acknowledged.

        Raises:
            BrokerUnavailableError: something was not.
        """
        await self._writer.flush()

    async def wait_room(self) -> None:
        """Back-pressure: return once what is pending is under the writer's limit."""
        await self._writer.wait_room()

    def _append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        timestamp_ms: int | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> "asyncio.Future[None]":
        acknowledged = self._writer.append(
            topic, partition, key, value, timestamp_ms=timestamp_ms, headers=headers
        )
        self._watch(acknowledged)
        return acknowledged

    def _watch(self, acknowledged: "asyncio.Future[None]") -> None:
        # Batches share one future, so most records find theirs watched already.
        if acknowledged not in self._watched:
            self._watched.add(acknowledged)
            acknowledged.add_done_callback(self._check)

    def _check(self, acknowledged: "asyncio.Future[None]") -> None:
        self._watched.discard(acknowledged)
        if not acknowledged.cancelled():
            error = acknowledged.exception()
            if error is not None:
                self._fail(error)
