"""Lines straight to the raw topic, as any other producer would write them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from agents.outputs import RecordWriter
from app.kafka_writer import KafkaWriter
from app.partitioner import partition_for
from app.replay.lines import Line
from app.replay.summary import Summary
from app.settings import Settings
from app.topics import ensure_topics
from models.errors import BrokerUnavailableError, OperatorError
from tables.partition import TICK_HEADER

_LINGER_SECONDS = 0.01
_SHORTEST_TIMEOUT_SECONDS = 1.0


class RawTopicWriter(RecordWriter, Protocol):
    """What this needs of :class:`app.kafka_writer.KafkaWriter`."""

    async def flush(self) -> None:
        """Return when all that was appended is acknowledged."""


@asynccontextmanager
async def topic_target(
    settings: Settings, summary: Summary, keep_time: bool, *, timeout_seconds: float
) -> AsyncIterator["TopicTarget"]:
    """A target that writes to the raw topic, which is created where it is missing.

    Raises:
        OperatorError: the broker is unreachable, or the topic cannot take the records.
    """
    await ensure_topics(settings, history=keep_time)
    writer = KafkaWriter(
        settings.bootstrap_servers,
        client_id="playvitals-replay",
        linger_seconds=_LINGER_SECONDS,
        timeout_seconds=max(timeout_seconds, _SHORTEST_TIMEOUT_SECONDS),
    )
    await writer.start()
    try:
        topic = settings.topic("events.raw")
        partitions = await writer.partition_count(topic)
        yield TopicTarget(writer, topic, partitions, summary, keep_time=keep_time)
    finally:
        await writer.stop()


class TopicTarget:
    """Writes each line as one record: in file order within a partition, byte for byte.

    With ``keep_time`` a record's timestamp is the line's time, else the time of writing. A line
    without a key stays in the partition of the line before.
    """

    def __init__(
        self,
        writer: RawTopicWriter,
        topic: str,
        partitions: int,
        summary: Summary,
        *,
        keep_time: bool,
    ) -> None:
        self._writer = writer
        self._topic = topic
        self._partitions = partitions
        self._summary = summary
        self._keep_time = keep_time
        self._partition = 0
        self._failure: BaseException | None = None

    async def send(self, line: Line) -> None:
        """Append one record."""
        key = line.key.encode() if line.key is not None else None
        if key is not None:
            self._partition = partition_for(key, self._partitions)
        time_ms = line.time_ms if self._keep_time else None
        await self._ready()
        self._summary.sent += 1
        acknowledged = self._writer.append(
            self._topic, self._partition, key, line.raw, timestamp_ms=time_ms
        )
        acknowledged.add_done_callback(self._count)

    async def tick(self, time_ms: int) -> None:
        """Append one tick to every partition."""
        await self._ready()
        for partition in range(self._partitions):
            self._summary.ticks += 1
            acknowledged = self._writer.append(
                self._topic,
                partition,
                None,
                None,
                timestamp_ms=time_ms,
                headers=[(TICK_HEADER, b"")],
            )
            acknowledged.add_done_callback(self._note_failure)

    async def flush(self) -> None:
        """Wait for the broker's acknowledgements."""
        try:
            await self._writer.flush()
        except BrokerUnavailableError as error:
            self._failure = self._failure or error
        # The callbacks of the last batch run in the loop's next round.
        await asyncio.sleep(0)
        if self._failure is not None:
            raise self._unavailable(self._failure)

    async def _ready(self) -> None:
        if self._failure is not None:
            raise self._unavailable(self._failure)
        await self._writer.wait_room()

    def _count(self, acknowledged: asyncio.Future[None]) -> None:
        if self._note_failure(acknowledged):
            self._summary.received += 1

    def _note_failure(self, acknowledged: asyncio.Future[None]) -> bool:
        if acknowledged.cancelled():
            return False
        failure = acknowledged.exception()
        self._failure = self._failure or failure
        return failure is None

    def _unavailable(self, error: BaseException) -> OperatorError:
        return OperatorError(
            f"{self._topic}: {error}; {self._summary.received} of {self._summary.sent} lines were "
            "acknowledged. Replaying the file again is safe: events are deduplicated"
        )
