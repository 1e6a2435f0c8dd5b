"""Load for benchmarks: raw event records of many interleaved sessions, a million in seconds.

Some hundreds of sessions of the viewers' model are rendered once. The records are these sessions
over and over with new ids and times, so each one is valid and belongs to a believable view.
"""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from heapq import heapify, heapreplace
from random import Random
from typing import Any
from zlib import crc32

import msgspec

from app.kafka_writer import KafkaWriter
from app.partitioner import partition_for
from app.settings import Settings
from app.viewers.catalogue import Catalogue
from app.viewers.model import one_session
from models.timestamps import format_timestamp

Record = tuple[bytes, bytes, int]
"""Key, value, and record timestamp in ms since 1970: the event's own."""

TEMPLATES = 300
CHUNK_RECORDS = 10_000

_STAGGER_MS = 8_000
_PAUSE_MS = 1_000
_LINGER_SECONDS = 0.005
_TIMEOUT_SECONDS = 30.0
# What a session or a record has of its own; and what keeps a record near the 270 bytes that
# single events of real players have.
_OWN_FIELDS = ("sessionId", "deviceId", "userId")
_LEFT_OUT = ("appVersion", "country")


@dataclass(frozen=True, slots=True)
class _Step:
    """One event of a template: when, its JSON up to its ids, and where a view may begin."""

    offset_ms: int
    tail: bytes
    opens_view: bool


@dataclass(frozen=True, slots=True)
class Load:
    """``records`` events over about ``seconds`` that end at ``end_ms``; the same for a seed."""

    records: int
    seconds: float
    end_ms: int
    seed: int = 1

    def chunks(self) -> Iterator[list[Record]]:
        """The records in lists of 10,000, in the order of their times."""
        templates = _templates(self.seed)
        rng = Random(f"load:{self.seed}")  # noqa: S311 - a simulation, not a secret
        start_ms = self.end_ms - round(self.seconds * 1000)
        # Two loads on one topic must not be taken for repetitions of each other.
        tag = crc32(f"{self.seed}:{self.end_ms}".encode())
        made = 0
        chunk: list[Record] = []
        # One entry per viewer: time of the next event, viewer, its place in its template.
        queue = _first_events(rng, templates, _viewers(templates, self.records / self.seconds))
        while made < self.records:
            at_ms, viewer, session, template, place = queue[0]
            step = template[place]
            key = b"%08x-%x-%x" % (tag, viewer, session)
            timestamp_ms = start_ms + at_ms
            value = (
                b'{"eventId":"%08x%08x","sessionId":"%b","deviceId":"d%07x","timestamp":"%b",%b'
                % (
                    tag,
                    made,
                    key,
                    viewer,
                    format_timestamp(timestamp_ms).encode(),
                    step.tail,
                )
            )
            chunk.append((key, value, timestamp_ms))
            made += 1
            if len(chunk) == CHUNK_RECORDS:
                yield chunk
                chunk = []
            place += 1
            if place < len(template):
                next_ms = at_ms + template[place].offset_ms - step.offset_ms
            else:
                session, template, place = session + 1, rng.choice(templates), 0
                next_ms = at_ms + _PAUSE_MS
            heapreplace(queue, (next_ms, viewer, session, template, place))
        if chunk:
            yield chunk


_Entry = tuple[int, int, int, list[_Step], int]


def _templates(seed: int) -> list[list[_Step]]:
    catalogue = Catalogue(seed)
    return [
        [_step(offset_ms, event) for offset_ms, event in one_session(seed, number, catalogue)]
        for number in range(TEMPLATES)
    ]


def _step(offset_ms: int, event: dict[str, Any]) -> _Step:
    name = event["event"]
    data = dict(event.get("data", {}))
    data.pop("percentComplete", None)
    fields = {k: v for k, v in event.items() if k not in (*_OWN_FIELDS, *_LEFT_OUT, "data")}
    if data:
        fields["data"] = data
    return _Step(offset_ms, msgspec.json.encode(fields)[1:], name == "impression")


def events_per_viewer_second(seed: int) -> float:
    """How many events a viewer who watches sends per second, on average."""
    return _events_per_second(_templates(seed))


def _events_per_second(templates: list[list[_Step]]) -> float:
    events = sum(len(template) for template in templates)
    length_ms = sum(template[-1].offset_ms + _PAUSE_MS for template in templates)
    return events / (length_ms / 1000)


def _viewers(templates: list[list[_Step]], events_per_second: float) -> int:
    """How many viewers at a time send so many events."""
    return max(1, round(events_per_second / _events_per_second(templates)))


def _first_events(rng: Random, templates: list[list[_Step]], viewers: int) -> list[_Entry]:
    """Viewers in the middle of their sessions, each about to begin a view."""
    queue: list[_Entry] = []
    for viewer in range(viewers):
        template = rng.choice(templates)
        place = rng.choice([i for i, step in enumerate(template) if step.opens_view])
        queue.append((rng.randrange(_STAGGER_MS), viewer, 0, template, place))
    heapify(queue)
    return queue


@asynccontextmanager
async def load_writer(settings: Settings) -> AsyncIterator[KafkaWriter]:
    """A writer for :func:`fill_topic`."""
    writer = KafkaWriter(
        settings.bootstrap_servers,
        client_id="playvitals-bench-load",
        linger_seconds=_LINGER_SECONDS,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


async def fill_topic(
    settings: Settings, chunks: Iterator[Sequence[Record]], topic_name: str = "events.raw"
) -> tuple[int, float]:
    """Write records to a topic with their own timestamps; the number of them and the seconds taken.

    Returns when the broker acknowledged all of them.

    Raises:
        BrokerUnavailableError: it did not.
    """
    topic = settings.topic(topic_name)
    written = 0
    started_seconds = time.monotonic()
    async with load_writer(settings) as writer:
        partitions = await writer.partition_count(topic)
        for chunk in chunks:
            for key, value, timestamp_ms in chunk:
                partition = partition_for(key, partitions)
                writer.append(topic, partition, key, value, timestamp_ms=timestamp_ms)
            written += len(chunk)
            await writer.wait_room()
        await writer.flush()
    return written, time.monotonic() - started_seconds
