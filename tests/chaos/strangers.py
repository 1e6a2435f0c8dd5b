"""Producers that write straight to the raw topic, where nobody checks what they send."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any

import msgspec

from app.kafka_writer import KafkaWriter
from app.partitioner import partition_for
from app.settings import Settings
from models.errors import BrokerUnavailableError
from models.timestamps import format_timestamp

PERIOD_SECONDS = 0.05

_DAY_MS = 86_400_000
_MAX_EVENT_BYTES = 64 << 10
_LINGER_SECONDS = 0.01
_TIMEOUT_SECONDS = 30.0
_RETRY_SECONDS = 0.5

Event = dict[str, Any]

_encode = msgspec.json.Encoder().encode


def _text(change: Event) -> Callable[[Event], bytes]:
    """A like with these fields changed; None takes a field away."""

    def build(event: Event) -> bytes:
        return _encode({k: v for k, v in (event | change).items() if v is not None})

    return build


def _cut(event: Event) -> bytes:
    return _encode(event)[:-1]


INVALID: tuple[tuple[str, Callable[[Event], bytes]], ...] = (
    ("malformed", _cut),
    ("malformed", lambda event: b"[" + _encode(event) + b"]"),
    ("malformed", lambda event: _encode(event)[:-1] + b',"x":"\xff"}'),
    ("malformed", lambda event: _encode(event)[:-1] + b',"x":' + b"[" * 40 + b"]" * 40 + b"}"),
    ("too_large", lambda event: _encode(event | {"padding": "x" * _MAX_EVENT_BYTES})),
    ("missing_field", _text({"contentId": None})),
    ("missing_field", _text({"event": "impression", "data": {}})),
    ("missing_field", _text({"event": None})),
    ("invalid_type", _text({"event": "playStart", "data": {"startupTime": "fast"}})),
    ("invalid_type", _text({"sessionId": "s" * 129})),
    ("invalid_type", _text({"timestamp": "yesterday"})),
    ("invalid_type", _text({"event": "LIKE"})),
    ("invalid_content_id", _text({"contentId": "a b"})),
    ("out_of_range", _text({"event": "playStart", "data": {"startupTime": -1}})),
    (
        "out_of_range",
        _text({"event": "rebuffer", "data": {"duration": 3_600_001, "currentTime": 1}}),
    ),
    ("out_of_range", lambda event: _encode(event)[:-1] + b',"x":NaN}'),
    ("too_old", lambda event: _text({"timestamp": _ago(_DAY_MS + 3_600_000)})(event)),
)
"""The reason for which a record is to be refused, and its text made from a valid event."""


class Strangers:
    """Writes invalid records of every kind, and valid ones without an id, at a gentle rate."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.acknowledged: set[bytes] = set()
        """The values of all records that the broker acknowledged; no two records are alike."""
        self._topic = settings.topic("events.raw")
        self._partitions = settings.partitions
        self._servers = settings.bootstrap_servers
        self._seed = seed
        self._random = Random(f"strangers:{seed}")  # noqa: S311 - a load, not a secret
        self._numbers = count()
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write in the background; when left, everything written is acknowledged."""
        writing = asyncio.create_task(self._run(), name="strangers")
        try:
            yield
            self._stopping.set()
            await writing
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _run(self) -> None:
        writer = KafkaWriter(
            self._servers,
            client_id="chaos-strangers",
            linger_seconds=_LINGER_SECONDS,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        await writer.start()
        try:
            kinds = [build for _, build in INVALID]
            while not self._stopping.is_set():
                self._random.shuffle(kinds)
                for build in kinds:
                    event = self._new_event()
                    await self._write(writer, event["sessionId"], build(event))
                    await self._write_valid(writer)
                    await asyncio.sleep(PERIOD_SECONDS)
        finally:
            await writer.stop()

    async def _write_valid(self, writer: KafkaWriter) -> None:
        """A valid event without an id, half of the time twice, sometimes in a foreign partition."""
        event = self._new_event()
        session: str = event["sessionId"]
        value = _encode(event)
        partition = partition_for(session.encode(), self._partitions)
        if self._random.random() < 0.1:
            partition = (partition + 1) % self._partitions
        for _ in range(self._random.choice((1, 2))):
            await self._write(writer, session, value, partition)

    async def _write(
        self, writer: KafkaWriter, session: str, value: bytes, partition: int | None = None
    ) -> None:
        key = session.encode()
        if partition is None:
            partition = partition_for(key, self._partitions)
        while True:
            try:
                await asyncio.shield(writer.append(self._topic, partition, key, value))
            except BrokerUnavailableError:
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self.acknowledged.add(value)
                return

    def _new_event(self) -> Event:
        number = next(self._numbers)
        return {
            "event": "like",
            "contentId": f"clip-{number % 7}",
            "sessionId": f"stranger-{self._seed}-{number}",
            "timestamp": _ago(0),
        }


def _ago(ms: int) -> str:
    return format_timestamp(time.time_ns() // 1_000_000 - ms)
