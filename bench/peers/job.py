"""The job that every peer does, as typed code that none of them slows down.

An event is decoded and checked in one step; its view is followed within its session; what it adds
to the sums of its pane is a row of integers. Textbook Faust has its own code for this, as its guide
would have it written.
"""

from collections.abc import Callable, Sequence
from operator import add
from typing import Final, get_args

import msgspec

from bench.totals import Totals
from models.timestamps import parse_timestamp_ms

FIGURES: Final = (
    *("events", "plays", "startupMs", "completions", "rebuffers", "rebufferMs", "watchMs"),
)
DIMENSIONS: Final = ("platform", "country", "networkType", "cdn", "appVersion")
PANE_MS: Final = 10_000

Gains = tuple[int, int, int, int, int, int, int]
"""What an event adds, in the order of :data:`FIGURES`."""

EVENT_ALONE: Final[Gains] = (1, 0, 0, 0, 0, 0, 0)
"""Of most events."""

View = list[str | int]
"""The view of a session: content, whether it started, whether it was completed, position in ms.

A list, since that is what a state store can write without a codec of its own.
"""


class _Fields(msgspec.Struct, rename="camel", kw_only=True, gc=False):
    event_id: str
    session_id: str
    timestamp: str
    content_id: str = ""
    platform: str = "unknown"
    country: str = "unknown"
    network_type: str = "unknown"
    cdn: str = "unknown"
    app_version: str = "unknown"


class _Event(_Fields, tag_field="event", gc=False):
    """Of one of the known types."""


class _Position(msgspec.Struct, gc=False):
    position: int


class _Start(msgspec.Struct, rename="camel", gc=False):
    startup_time: int


class _Progress(msgspec.Struct, rename="camel", gc=False):
    current_time: float


class _Watched(msgspec.Struct, rename="camel", gc=False):
    watch_time: float


class _Swiped(msgspec.Struct, rename="camel", gc=False):
    from_content_id: str
    to_content_id: str
    watch_time: float


class _Stall(msgspec.Struct, rename="camel", gc=False):
    duration: int
    current_time: float


class _Change(msgspec.Struct, rename="camel", gc=False):
    from_quality: str
    to_quality: str


class _Target(msgspec.Struct, gc=False):
    platform: str


class _Failure(msgspec.Struct, rename="camel", gc=False):
    error_code: str


class Impression(_Event, tag="impression", gc=False):
    """A content came into sight."""

    data: _Position


class PlayStart(_Event, tag="playStart", gc=False):
    """The first frame."""

    data: _Start


class WatchProgress(_Event, tag="watchProgress", gc=False):
    """How far it has played."""

    data: _Progress


class Completion(_Event, tag="completion", gc=False):
    """It was played to its end."""

    data: _Watched


class Swipe(_Event, tag="swipe", gc=False):
    """The viewer went on to another content."""

    data: _Swiped


class Rebuffer(_Event, tag="rebuffer", gc=False):
    """A stall."""

    data: _Stall


class QualityChange(_Event, tag="qualityChange", gc=False):
    """Another rendition."""

    data: _Change


class Share(_Event, tag="share", gc=False):
    """It was shared."""

    data: _Target


class Failure(_Event, tag="error", gc=False):
    """The player reports an error."""

    data: _Failure


class Like(_Event, tag="like", gc=False):
    """It was liked."""


class Save(_Event, tag="save", gc=False):
    """It was saved."""


class Custom(_Fields, gc=False):
    """Of a type of the client's own."""

    event: str


Known = (
    Impression
    | PlayStart
    | WatchProgress
    | Completion
    | Swipe
    | Rebuffer
    | QualityChange
    | Share
    | Failure
    | Like
    | Save
)

Event = Known | Custom
Slices = tuple[str, str, str, str, str]

_NAMES: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Known))
_decode: Callable[[bytes], Known] = msgspec.json.Decoder(Known).decode
_decode_custom = msgspec.json.Decoder(Custom).decode


def read(value: bytes | None) -> Event | None:
    """The event of a record, or None where it is not one or lacks a field it must have."""
    try:
        return _decode(value or b"")
    except msgspec.MsgspecError:
        return _read_custom(value or b"")


def _read_custom(value: bytes) -> Custom | None:
    try:
        event = _decode_custom(value)
    except msgspec.MsgspecError:
        return None
    return None if event.event in _NAMES else event


def new_view() -> View:
    """Of a session that nothing is known of yet."""
    return ["", 0, 0, 0]


def follow(view: View, event: Event) -> Gains:
    """What an event adds; ``view`` is that of its session and is brought up to date."""
    content = event.data.to_content_id if isinstance(event, Swipe) else event.content_id
    if view[0] != content:
        view[:] = (content, 0, 0, 0)
    if isinstance(event, WatchProgress):
        position_ms = round(event.data.current_time * 1000)
        gained_ms = max(0, position_ms - int(view[3]))
        view[3] = position_ms
        return 1, 0, 0, 0, 0, 0, gained_ms
    if isinstance(event, PlayStart) and not view[1]:
        view[1] = 1
        return 1, 1, event.data.startup_time, 0, 0, 0, 0
    if isinstance(event, Completion) and not view[2]:
        view[2] = 1
        return 1, 0, 0, 1, 0, 0, 0
    if isinstance(event, Rebuffer):
        return 1, 0, 0, 0, 1, event.data.duration, 0
    return EVENT_ALONE


def pane_of(event: Event) -> int:
    """When the pane of an event begins, in ms since 1970."""
    at_ms = parse_timestamp_ms(event.timestamp) or 0
    return at_ms - at_ms % PANE_MS


def slices_of(event: Event) -> Slices:
    """Its values, in the order of :data:`DIMENSIONS`."""
    return (event.platform, event.country, event.network_type, event.cdn, event.app_version)


class Panes:
    """Sums per pane, for all viewers and for each value of each dimension.

    Events are first added up by the combination of their values, one look-up each.
    """

    def __init__(self) -> None:
        self.sums: dict[tuple[int, str, str], list[int]] = {}
        self._combined: dict[tuple[int, Slices], list[int]] = {}

    def add(self, pane_ms: int, slices: Slices, gains: Gains) -> None:
        """Add what an event adds; :meth:`spread` brings it to its slices."""
        sums = self._combined.get((pane_ms, slices))
        if sums is None:
            self._combined[pane_ms, slices] = list(gains)
        elif gains is EVENT_ALONE:
            sums[0] += 1
        else:
            sums[:] = map(add, sums, gains)

    def spread(self) -> None:
        """Bring to the slices what was added since."""
        for (pane_ms, slices), gains in self._combined.items():
            self.add_sums(pane_ms, slices, gains)
        self._combined.clear()

    def add_sums(self, pane_ms: int, values: Sequence[str], gains: Sequence[int]) -> None:
        """Add what several events of the same pane and values add, to each of their slices."""
        self.merge((pane_ms, "all", ""), gains)
        for name, value in zip(DIMENSIONS, values, strict=True):
            self.merge((pane_ms, name, value), gains)

    def merge(self, key: tuple[int, str, str], gains: Sequence[int]) -> None:
        """Add to the sums of one slice."""
        sums = self.sums.get(key)
        if sums is None:
            self.sums[key] = list(gains)
        else:
            sums[:] = map(add, sums, gains)


def count_gains(totals: Totals, gains: Gains) -> None:
    """Keep the totals that tell whether everyone counted the same."""
    totals.accepted += 1
    if gains is EVENT_ALONE:
        return
    totals.plays += gains[1]
    totals.completions += gains[3]
    totals.rebuffers += gains[4]
    totals.rebuffer_ms += gains[5]
