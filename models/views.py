"""One view: a viewer's encounter with one content, and the record it becomes when it is over."""

from hashlib import blake2b
from typing import NamedTuple

import orjson
from msgspec import Struct

from models.dimensions import Slices
from models.timestamps import format_timestamp

SWIPED = "swiped"
REPLACED = "replaced"
TIMED_OUT = "timed_out"
COMPLETED = "completed"
NEVER_STARTED = "never_started"
FAILED = "failed"
OUTCOMES = (COMPLETED, SWIPED, REPLACED, TIMED_OUT, NEVER_STARTED, FAILED)

OPEN = ""

Counted = tuple[int, Slices]
"""Where something was counted: the start of the pane in ms, and the dimension values."""


class EndedView(NamedTuple):
    """What a started view that ended says of its content.

    ``basis_points`` is how much of it was watched, in hundredths of a per cent; -1: its duration
    is not known.
    """

    skip: bool
    qoe_limited: bool
    basis_points: int


class View(Struct, array_like=True, gc=False):
    """What is known of a view.

    Times named ``…_at_ms`` are event time; those named ``…_clock_ms`` are server time.
    ``ended_by`` is :data:`OPEN` until the view has ended.
    """

    number: int
    """Counts the views of a partition, in the order in which they were opened."""
    viewer: str
    content_id: str
    session_id: str | None
    device_id: str | None
    user_id: str | None
    opened_at_ms: int
    opened_by: str
    """The id of the event that opened it."""
    last_clock_ms: int
    slices: Slices
    context: tuple[str | None, ...]
    """platform, country, networkType, cdn, appVersion: the first of each that was named."""
    impression: bool = False
    searched: bool = False
    """Whether it was shown among search results."""
    tried: bool = False
    """Whether it was shown elsewhere, failed, or was swiped away from."""
    acted: bool = False
    """Whether there was any other event, such as a like."""
    position: int | None = None
    entry_point: str | None = None
    feed_id: str | None = None
    started_at_ms: int | None = None
    startup_ms: int | None = None
    rendition: str | None = None
    codec: str | None = None
    autoplay: bool | None = None
    watch_ms: int = 0
    watch_floor_ms: int = 0
    """What a ``watchTime`` of the player has confirmed; the figure never falls below it."""
    anchor_at_ms: int | None = None
    anchor_position_ms: int = 0
    stall_since_anchor_ms: int = 0
    duration_ms: int = 0
    completed: bool = False
    completed_at_ms: int = 0
    """The first completion."""
    loop_count: int = 0
    rebuffers: int = 0
    rebuffer_ms: int = 0
    upshifts: int = 0
    downshifts: int = 0
    errors: int = 0
    fatal: bool = False
    liked: bool = False
    saved: bool = False
    shared: bool = False
    share_platform: str | None = None
    next_content_id: str | None = None
    ended_by: str = OPEN
    ended_at_ms: int = 0
    ended_clock_ms: int = 0
    play_counted: Counted | None = None
    completion_counted: Counted | None = None
    end_counted: Counted | None = None
    """Where the view counts so far, as a play, as a completion and as an ended view."""
    end_figures: tuple[bool, ...] = ()
    """As which of the figures about ended views it counts so far."""
    end_for_content: EndedView | None = None
    """As what it counts for its content so far, in the same minute."""

    def is_attempt(self) -> bool:
        """Whether this counts as a view at all.

        An impression among search results alone does not, and needs a play, an error or a swipe.
        """
        if self.tried or self.started_at_ms is not None:
            return True
        return (self.acted or self.completed) and not self.searched

    def outcome(self) -> str:
        """How the view came out, by precedence: completed, failed, never started, how it ended."""
        if self.completed:
            return COMPLETED
        if self.fatal or (self.errors and self.started_at_ms is None):
            return FAILED
        if self.started_at_ms is None:
            return NEVER_STARTED
        return self.ended_by

    def is_rebuffered(self) -> bool:
        """Whether a started view stalled at least once."""
        return self.rebuffers > 0 and self.started_at_ms is not None

    def is_exit_before_start(self) -> bool:
        """Whether it was shown and left without a first frame and without an error."""
        return self.impression and self.started_at_ms is None and not self.errors

    def is_start_failure(self) -> bool:
        """Whether an error came instead of the first frame."""
        return self.impression and self.started_at_ms is None and self.errors > 0

    def is_playback_failure(self) -> bool:
        """Whether a fatal error ended playback that had started."""
        return self.started_at_ms is not None and self.fatal


def view_id(view: View) -> str:
    """The id of a view: the same for every worker that reads the same events."""
    text = f"{view.viewer}\x00{view.content_id}\x00{view.opened_by}"
    return blake2b(text.encode(), digest_size=12).hexdigest()


def view_key(view: View) -> str:
    """The Kafka key of a view's record: ``userId``, else ``deviceId``, else ``sessionId``."""
    return view.user_id or view.device_id or view.session_id or view.viewer


def view_record(view: View) -> bytes:
    """The view as JSON in the shape of the ``views`` topic."""
    platform, country, network_type, cdn, app_version = view.context
    watched = None
    if view.duration_ms:
        watched = min(1.0, round(view.watch_ms / view.duration_ms, 4))
    return orjson.dumps(
        {
            "viewId": view_id(view),
            "sessionId": view.session_id,
            "deviceId": view.device_id,
            "userId": view.user_id,
            "contentId": view.content_id,
            "startedAt": format_timestamp(view.opened_at_ms),
            "endedAt": format_timestamp(view.ended_at_ms),
            "outcome": view.outcome(),
            "position": view.position,
            "entryPoint": view.entry_point,
            "feedId": view.feed_id,
            "startupMs": view.startup_ms,
            "watchSeconds": view.watch_ms / 1000,
            "durationSeconds": view.duration_ms / 1000 if view.duration_ms else None,
            "percentWatched": watched,
            "completed": view.completed,
            "loopCount": view.loop_count,
            "rebufferCount": view.rebuffers,
            "rebufferMs": view.rebuffer_ms,
            "upshifts": view.upshifts,
            "downshifts": view.downshifts,
            "rendition": view.rendition,
            "codec": view.codec,
            "autoplay": view.autoplay,
            "errors": view.errors,
            "liked": view.liked,
            "saved": view.saved,
            "shared": view.shared,
            "sharePlatform": view.share_platform,
            "nextContentId": view.next_content_id,
            "platform": platform,
            "appVersion": app_version,
            "country": country,
            "networkType": network_type,
            "cdn": cdn,
        }
    )
