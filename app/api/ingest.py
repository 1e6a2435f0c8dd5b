"""Takes validated events into the raw topic, and tells what became of each."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from app.api.errors import unavailable
from app.partitioner import partition_for
from models.errors import BrokerUnavailableError
from models.events import partition_key
from models.explanation import MAX_EVENT_BYTES, too_large
from models.validation import read_event
from models.verdicts import Refusal
from models.wire import stored_form


class EventSink(Protocol):
    """Where events are written: the Kafka writer, or a fake in tests."""

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
    ) -> "asyncio.Future[None]": ...

    async def partition_count(self, topic: str) -> int: ...

    async def is_reachable(self, topic: str) -> bool: ...


class Taken(Struct, frozen=True):
    """What became of the events of a request: ids of those received, refusals by index."""

    event_ids: list[str]
    refusals: list[tuple[int, Refusal]]


class Ingest:
    """Validates events and writes them to the raw topic.

    Args:
        timeout_seconds: how long an acknowledgement may take.
        wall_ms: server time in milliseconds.
    """

    def __init__(
        self,
        sink: EventSink,
        raw_topic: str,
        timeout_seconds: float,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._sink = sink
        self._raw_topic = raw_topic
        self._timeout_seconds = timeout_seconds
        self._wall_ms = wall_ms

    async def take(self, events: Sequence[bytes], sent_at: str | None = None) -> Taken:
        """Write the valid ones of ``events``; returns once the broker has all of them for good.

        Raises:
            ApiError: 503, at least one was not acknowledged.
        """
        now_ms = self._wall_ms()
        refusals: list[tuple[int, Refusal]] = []
        records: list[tuple[bytes, bytes]] = []
        event_ids: list[str] = []
        for index, raw in enumerate(events):
            checked = read_event(raw, now_ms, sent_at)
            if isinstance(checked, Refusal):
                refusals.append((index, checked))
                continue
            value, event_id = stored_form(raw, checked, now_ms, sent_at)
            if len(value) > MAX_EVENT_BYTES:
                # The worker would refuse what was answered with `received`.
                refusals.append((index, too_large(len(value))))
                continue
            records.append((partition_key(checked.event).encode(), value))
            event_ids.append(event_id)
        if records:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    await self._write(records, now_ms)
            except (TimeoutError, BrokerUnavailableError):
                raise unavailable(
                    "not every event was acknowledged by the broker; send the whole request "
                    "again: events with an eventId or a timestamp are counted once"
                ) from None
        return Taken(event_ids, refusals)

    async def _write(self, records: list[tuple[bytes, bytes]], now_ms: int) -> None:
        partitions = await self._sink.partition_count(self._raw_topic)
        acknowledged = {
            self._sink.append(
                self._raw_topic, partition_for(key, partitions), key, value, timestamp_ms=now_ms
            )
            for key, value in records
        }
        await asyncio.gather(*map(asyncio.shield, acknowledged))
