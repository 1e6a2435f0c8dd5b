"""Takes validated events into the raw topic, and tells what became of each."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct
from prometheus_client import Metric

from app.api.errors import unavailable
from app.api.patience import Patience
from app.kafka_writer import Record
from app.partitioner import partition_for
from models.catalogue import Catalogue
from models.errors import BrokerUnavailableError
from models.intake import take_in
from models.verdicts import Refusal

CATALOGUE_UNREAD = "the content catalogue is still being read"


class EventSink(Protocol):
    """Where events are written: the Kafka writer, or a fake in tests."""

    def append_all(
        self, topic: str, records: Iterable[Record], timestamp_ms: int
    ) -> "asyncio.Future[None]": ...

    async def partition_count(self, topic: str) -> int: ...

    async def is_reachable(self, topic: str) -> bool: ...


class KnownContents(Protocol):
    """The content catalogue, where there is one, and whether it is known yet."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def is_read(self) -> bool: ...

    def collect(self) -> Iterable[Metric]: ...


class Taken(Struct, frozen=True):
    """What became of the events of a request: ids of those received, refusals by index."""

    event_ids: list[str]
    refusals: list[tuple[int, Refusal]]


class Ingest:
    """Validates events and writes them to the raw topic.

    Args:
        timeout_seconds: how long an acknowledgement may take.
        contents: those that events may be about; None: any.
        wall_ms: server time in milliseconds.
    """

    def __init__(
        self,
        sink: EventSink,
        raw_topic: str,
        timeout_seconds: float,
        contents: KnownContents | None = None,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._sink = sink
        self._raw_topic = raw_topic
        self._timeout_seconds = timeout_seconds
        self._contents = contents
        self._catalogue = None if contents is None else contents.catalogue
        self._wall_ms = wall_ms
        self._patience = Patience()

    @property
    def can_judge(self) -> bool:
        """Whether the contents that events may be about are known."""
        return self._contents is None or self._contents.is_read

    async def take(self, events: Sequence[bytes], sent_at: str | None = None) -> Taken:
        """Write the valid ones of ``events``; returns once the broker has all of them for good.

        Raises:
            ApiError: 503, at least one was not acknowledged, or none can be judged yet.
        """
        if not self.can_judge:
            raise unavailable(CATALOGUE_UNREAD)
        now_ms = self._wall_ms()
        keyed, event_ids, refusals = take_in(events, now_ms, sent_at, self._catalogue)
        if keyed:
            try:
                await self._write(keyed, now_ms)
            except (TimeoutError, BrokerUnavailableError):
                raise unavailable(
                    "not every event was acknowledged by the broker; send the whole request "
                    "again: events with an eventId or a timestamp are counted once"
                ) from None
        return Taken(event_ids, refusals)

    async def _write(self, keyed: list[tuple[bytes, bytes]], now_ms: int) -> None:
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        partitions = await self._sink.partition_count(self._raw_topic)
        records = [(partition_for(key, partitions), key, value) for key, value in keyed]
        await self._patience.wait(self._sink.append_all(self._raw_topic, records, now_ms), deadline)
