"""The load: many viewers at once through the API, each strictly one event after the other.

A viewer sends its next event when the last one was taken, with the time of sending as its
timestamp. So the first arrivals of a session are in the order of their times whatever fails on
the way, and what must come out is known exactly.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, islice
from random import Random
from typing import Any

import msgspec

from app.events_client import EventsClient, Outcome
from app.viewers.catalogue import Catalogue
from app.viewers.model import TimedEvent, viewer_events
from app.viewers.stories import rebuffer_spike
from models.timestamps import format_timestamp

EVENTS_PER_SECOND = 950
BATCH_EVENTS = 60
# More than this many requests at a time do not make the API any faster.
REQUESTS = 6
TEMPLATES = 200
FEWEST_EVENTS, MOST_EVENTS = 4, 28
ALWAYS = rebuffer_spike(0, 86_400_000).incident
# Long enough for every fault of a run in a row.
RETRY_SECONDS = 600.0

_AHEAD = 0.003
_CUSTOM = 0.01
_WITHOUT_SESSION = 0.08
_REMEMBERED = 0.2
_LATELY = 100
_AHEAD_MS = 600_000
_PAUSE_MS = 800
_IDLE_SECONDS = 0.01
_ANONYMOUS = (("sessionId",), ("sessionId", "deviceId"))

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Viewer:
    """One session on its way, cut off somewhere as real ones are."""

    number: int
    ids: dict[str, str]
    events: list[TimedEvent]
    place: int = 0
    last_ms: int = 0


class Load:
    """Sends until told to stop; the same seed gives the same viewers.

    Args:
        url: where the API answers.
    """

    def __init__(self, url: str, key: str, seed: int) -> None:
        self.acknowledged: set[str] = set()
        """The ids of all events that the API took."""
        self._seed = seed
        self._url = url
        self._key = key
        self._random = Random(f"chaos:{seed}")  # noqa: S311 - a load, not a secret
        catalogue = Catalogue(seed)
        self._templates = [_session(seed, number, catalogue) for number in range(TEMPLATES)]
        self._numbers = count()
        self._due: list[tuple[float, int, Viewer]] = []
        self._remembered: list[tuple[str, bytes]] = []
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send in the background; when left, everything sent has been taken by the API.

        Raises:
            AssertionError: the API refused an event.
            OperatorError: the API was away for ten minutes.
        """
        sending = asyncio.create_task(self._run(), name="load")
        try:
            yield
            self._stopping.set()
            await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _run(self) -> None:
        now = time.monotonic()
        for _ in range(self._viewers()):
            self._enter(now + self._random.uniform(0.0, 3.0))
        async with (
            EventsClient(
                self._url, self._key, retry_seconds=RETRY_SECONDS, connections=REQUESTS
            ) as client,
            asyncio.TaskGroup() as senders,
        ):
            for _ in range(REQUESTS):
                senders.create_task(self._send(client))

    def _viewers(self) -> int:
        """How many viewers at a time send so many events."""
        sessions = [self._cut(template) for template in self._templates]
        seconds = sum(events[-1][0] + _PAUSE_MS for events in sessions) / 1000
        return round(EVENTS_PER_SECOND * seconds / sum(map(len, sessions)))

    def _cut(self, template: list[TimedEvent]) -> list[TimedEvent]:
        return template[: self._random.randint(FEWEST_EVENTS, MOST_EVENTS)]

    def new_viewer(self) -> Viewer:
        """The next viewer; a few name no session, or no device either."""
        number = next(self._numbers)
        ids = {
            name: f"{name[0]}-{self._seed}-{number}" for name in ("sessionId", "deviceId", "userId")
        }
        if self._random.random() < _WITHOUT_SESSION:
            for name in self._random.choice(_ANONYMOUS):
                del ids[name]
        return Viewer(number, ids, self._cut(self._random.choice(self._templates)))

    def _enter(self, at: float) -> None:
        viewer = self.new_viewer()
        heappush(self._due, (at, viewer.number, viewer))

    async def _send(self, client: EventsClient) -> None:
        """Batch after batch of events that are due, at most one of each viewer."""
        while not self._stopping.is_set():
            batch = self._take_due()
            if not batch:
                await asyncio.sleep(_IDLE_SECONDS)
                continue
            events = [self.event_of(viewer) for viewer in batch]
            request = [*events, *self._repetitions()]
            outcome = await client.send_batch([body for _, body in request])
            _require_all(outcome, len(request))
            self.acknowledged.update(event_id for event_id, _ in request)
            now = time.monotonic()
            for sent, viewer in zip(events, batch, strict=True):
                if self._random.random() < _REMEMBERED:
                    self._remembered.append(sent)
                self._go_on(now, viewer)

    def _take_due(self) -> list[Viewer]:
        now = time.monotonic()
        batch: list[Viewer] = []
        while self._due and self._due[0][0] <= now and len(batch) < BATCH_EVENTS:
            batch.append(heappop(self._due)[2])
        return batch

    def event_of(self, viewer: Viewer) -> tuple[str, bytes]:
        """The id and the JSON of the next event of a viewer, as of now."""
        _, template = viewer.events[viewer.place]
        viewer.place += 1
        now_ms = max(time.time_ns() // 1_000_000, viewer.last_ms + 1)
        viewer.last_ms = now_ms
        event: dict[str, Any] = {
            **{k: v for k, v in template.items() if k not in ("sessionId", "deviceId", "userId")},
            **viewer.ids,
        }
        chance = self._random.random()
        if chance < _AHEAD:
            now_ms += _AHEAD_MS
        elif chance < _AHEAD + _CUSTOM and event["event"] == "watchProgress":
            event["event"] = "chaos.ping"
        event["eventId"] = f"{self._random.getrandbits(96):024x}"
        event["timestamp"] = format_timestamp(now_ms)
        return event["eventId"], _encode(event)

    def _repetitions(self) -> list[tuple[str, bytes]]:
        """Events that were taken before: a moment ago, or of sessions that are over for long."""
        found = []
        for _ in range(self._random.choices((0, 1, 2, 5), weights=(30, 40, 20, 10))[0]):
            if self._remembered:
                latest = self._remembered[-_LATELY:]
                found.append(self._random.choice(self._random.choice((latest, self._remembered))))
        return found

    def _go_on(self, now: float, viewer: Viewer) -> None:
        """Let a viewer wait for its next event, or the next viewer take its place."""
        if viewer.place == len(viewer.events):
            self._enter(now + _PAUSE_MS / 1000)
            return
        pause_ms = viewer.events[viewer.place][0] - viewer.events[viewer.place - 1][0]
        heappush(self._due, (now + pause_ms / 1000, viewer.number, viewer))


def _session(seed: int, number: int, catalogue: Catalogue) -> list[TimedEvent]:
    """The beginning of a viewer's session; through one of the CDNs, playback stalls often."""
    events = viewer_events(seed, number, 0, catalogue=catalogue, incident=ALWAYS)
    first_ms, first = next(events)
    session = [(0, first)]
    for at_ms, event in islice(events, MOST_EVENTS - 1):
        if event["sessionId"] != first["sessionId"]:
            break
        session.append((at_ms - first_ms, event))
    return session


def _require_all(outcome: Outcome, events: int) -> None:
    assert not outcome.refused, f"the API refused valid events: {dict(outcome.refused)}"
    assert outcome.received == events, f"the API took {outcome.received} of {events} events"
