"""A seeded model of people who watch a feed of short videos.

Pure and deterministic: the same seed gives the same viewers doing the same things at the same
offsets. In quiet times its figures are those of a healthy service: startup p50 about 350 ms and
p95 under 2 s, under 2 % of the views rebuffered, a mean stall under 1 s, 30 to 45 % completions.
"""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from operator import itemgetter
from random import Random
from typing import Any

from app.viewers.catalogue import Catalogue
from app.viewers.incidents import Incident
from app.viewers.intention import draw_intention
from app.viewers.playback import Playback, watch
from app.viewers.population import Viewer, draw_viewer
from models.timestamps import format_timestamp

TimedEvent = tuple[int, dict[str, Any]]
"""Milliseconds since the start of the model, and the event to send."""

_ARRIVALS_MS = 3_000
_SHORTEST_AWAY_MS = 20_000
_LONGEST_AWAY_MS = 90_000
_FEWEST_VIEWS = 3
_GOES_ON = 0.88
_MOST_VIEWS = 60
_ENTRY_POINTS = ("feed", "direct", "share", "search")
_ENTRY_WEIGHTS = (80, 10, 6, 4)
_FEEDS = ("for-you", "following")
_FEED_WEIGHTS = (85, 15)


def viewer_events(
    seed: int,
    number: int,
    base_ms: int,
    *,
    catalogue: Catalogue | None = None,
    incident: Incident | None = None,
) -> Iterator[TimedEvent]:
    """Viewer ``number`` of the audience: session after session, without end, in time order.

    ``base_ms`` is the time of offset 0 (ms since 1970). It sets timestamps and identifiers, so
    that a second run is not taken for a repetition of the first, but no behaviour.
    """
    rng = Random(f"viewer:{seed}:{number}")  # noqa: S311 - a simulation, not a secret
    ids = Random(f"ids:{seed}:{number}:{base_ms}")  # noqa: S311 - needs to differ, not to be secret
    contents = catalogue or Catalogue(seed)
    now_ms = rng.randrange(_ARRIVALS_MS)
    while True:
        viewer = draw_viewer(rng, ids)
        if incident is not None:
            viewer = incident.reach(viewer, rng, now_ms)
        session = Session(rng, viewer, contents, incident)
        for at_ms, event in session.events(now_ms):
            now_ms = at_ms
            event["eventId"] = f"{ids.getrandbits(96):024x}"
            event["timestamp"] = format_timestamp(base_ms + now_ms)
            yield now_ms, event
        # The next person takes this one's place, so that the audience keeps its size. Who walked
        # out leaves it empty for a while.
        now_ms += rng.randint(500, 4_000)
        if session.walked_out:
            now_ms += rng.randint(_SHORTEST_AWAY_MS, _LONGEST_AWAY_MS)


def audience_events(
    seed: int, viewers: int, base_ms: int, *, incident: Incident | None = None
) -> Iterator[TimedEvent]:
    """The events of ``viewers`` viewers, without end, in time order."""
    catalogue = Catalogue(seed)
    return merge(
        *(
            viewer_events(seed, number, base_ms, catalogue=catalogue, incident=incident)
            for number in range(viewers)
        ),
        key=itemgetter(0),
    )


def one_session(seed: int, number: int, catalogue: Catalogue) -> list[TimedEvent]:
    """One whole session in quiet times, its events without ``eventId`` and ``timestamp``."""
    rng = Random(f"session:{seed}:{number}")  # noqa: S311 - a simulation, not a secret
    return list(Session(rng, draw_viewer(rng, rng), catalogue, None).events(0))


class Session:
    """One person's visit: view after view until the feed is left."""

    __slots__ = ("_catalogue", "_incident", "_rng", "_viewer", "walked_out")

    def __init__(
        self, rng: Random, viewer: Viewer, catalogue: Catalogue, incident: Incident | None
    ) -> None:
        self._rng = rng
        self._viewer = viewer
        self._catalogue = catalogue
        self._incident = incident
        self.walked_out = False
        """Whether the visit ended because playback was bad."""

    def events(self, now_ms: int) -> Iterator[TimedEvent]:
        """The events of the visit that begins now, without ``eventId`` and ``timestamp``."""
        rng = self._rng
        context = self._viewer.context()
        views = _FEWEST_VIEWS + sum(1 for _ in islice(_while_going_on(rng), _MOST_VIEWS))
        content = self._catalogue.pick(rng, set())
        seen = {content.content_id}
        for position in range(views):
            next_content = self._catalogue.pick(rng, seen) if position < views - 1 else None
            playback = Playback(rng, self._viewer, context, content, self._incident, now_ms)
            intention = draw_intention(rng, content.duration_ms)
            watch(playback, intention, _impression(rng, position), next_content)
            for at_ms, name, data in playback.reports:
                event: dict[str, Any] = {"event": name, **context}
                if name != "swipe":
                    event["contentId"] = content.content_id
                if data:
                    event["data"] = data
                yield at_ms, event
            now_ms = playback.now_ms + rng.randint(10, 60)
            if playback.walked_out:
                self.walked_out = True
                return
            if next_content is not None:
                content = next_content
                seen.add(content.content_id)


def _while_going_on(rng: Random) -> Iterator[None]:
    while rng.random() < _GOES_ON:
        yield None


def _impression(rng: Random, position: int) -> dict[str, Any]:
    entry_point = rng.choices(_ENTRY_POINTS, weights=_ENTRY_WEIGHTS)[0]
    feed_id = rng.choices(_FEEDS, weights=_FEED_WEIGHTS)[0]
    if position == 0 and entry_point != "feed":
        return {"position": position, "entryPoint": entry_point}
    return {"position": position, "entryPoint": "feed", "feedId": feed_id}
