"""One view: a viewer's encounter with one content, and the record it becomes when it is over."""

from hashlib import blake2b
from typing import Final

import msgspec
from mypy_extensions import mypyc_attr

from models.dimensions import Slices
from models.timestamps import format_timestamp
from models.view_records import ViewRecord

SWIPED: Final = "swiped"
REPLACED: Final = "replaced"
TIMED_OUT: Final = "timed_out"
COMPLETED: Final = "completed"
NEVER_STARTED: Final = "never_started"
FAILED: Final = "failed"
OUTCOMES = (COMPLETED, SWIPED, REPLACED, TIMED_OUT, NEVER_STARTED, FAILED)

OPEN: Final = ""

_encode_into: Final = msgspec.json.Encoder().encode_into
_BUFFER: Final = bytearray()
"""What every record is encoded in: a buffer of its own would grow in many steps."""
_EMPTY_DIGEST: Final = blake2b(digest_size=12)

NEVER: Final = -1
"""A time of what did not happen: times are integers throughout, which take no object each."""


@mypyc_attr(acyclic=True)
class Counted:
    """Where something was counted: the start of the pane in ms, and the dimension values."""

    __slots__ = ("pane_ms", "slices")

    def __init__(self, pane_ms: int, slices: Slices) -> None:
        self.pane_ms = pane_ms
        self.slices = slices


@mypyc_attr(acyclic=True)
class EndedView:
    """What a started view that ended says of its content.

    ``basis_points`` is how much of it was watched, in hundredths of a per cent; -1: its duration
    is not known.
    """

    __slots__ = ("basis_points", "qoe_limited", "skip")

    def __init__(self, skip: bool, qoe_limited: bool, basis_points: int) -> None:
        self.skip = skip
        self.qoe_limited = qoe_limited
        self.basis_points = basis_points

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EndedView)
            and self.skip == other.skip
            and self.qoe_limited == other.qoe_limited
            and self.basis_points == other.basis_points
        )

    def __hash__(self) -> int:
        return hash((self.skip, self.qoe_limited, self.basis_points))


@mypyc_attr(acyclic=True)
class CountedEnd:
    """Where and as what an ended view was counted.

    ``figures`` has a bit for each of the figures about ended views that it counts in, and
    ``for_content`` is what it counts for its content, in the same minute; None: nothing.
    """

    __slots__ = ("figures", "for_content", "pane_ms", "slices")

    def __init__(
        self, pane_ms: int, slices: Slices, figures: int, for_content: EndedView | None
    ) -> None:
        self.pane_ms = pane_ms
        self.slices = slices
        self.figures = figures
        self.for_content = for_content


VIEW_FIELDS = (
    "number",
    "viewer",
    "content_id",
    "session_id",
    "device_id",
    "user_id",
    "opened_at_ms",
    "opened_by",
    "last_clock_ms",
    "slices",
    "context",
    "impression",
    "searched",
    "tried",
    "acted",
    "position",
    "entry_point",
    "feed_id",
    "started_at_ms",
    "startup_ms",
    "rendition",
    "codec",
    "autoplay",
    "watch_ms",
    "watch_floor_ms",
    "anchor_at_ms",
    "anchor_position_ms",
    "stall_since_anchor_ms",
    "duration_ms",
    "completed",
    "completed_at_ms",
    "loop_count",
    "rebuffers",
    "rebuffer_ms",
    "upshifts",
    "downshifts",
    "errors",
    "fatal",
    "liked",
    "saved",
    "shared",
    "share_platform",
    "next_content_id",
    "ended_by",
    "ended_at_ms",
    "ended_clock_ms",
    "play_counted",
    "completion_counted",
    "end_counted",
)
"""What is known of a view."""


@mypyc_attr(acyclic=True)
class View:
    """What is known of a view.

    Times named ``…_at_ms`` are event time; those named ``…_clock_ms`` are server time.

    Args:
        number: counts the views of a partition, in the order in which they were opened.
        opened_by: the id of the event that opened it.
        context: platform, country, networkType, cdn, appVersion: the first of each that was named.
    """

    __slots__ = (*VIEW_FIELDS, "due_ms", "touched")

    def __init__(
        self,
        number: int,
        viewer: str,
        content_id: str,
        session_id: str | None,
        device_id: str | None,
        user_id: str | None,
        opened_at_ms: int,
        opened_by: str,
        last_clock_ms: int,
        slices: Slices,
        context: tuple[str | None, ...],
    ) -> None:
        self.number = number
        self.viewer = viewer
        self.content_id = content_id
        self.session_id = session_id
        self.device_id = device_id
        self.user_id = user_id
        self.opened_at_ms = opened_at_ms
        self.opened_by = opened_by
        self.last_clock_ms = last_clock_ms
        self.slices = slices
        self.context = context
        self.impression = False
        self.searched = False
        """Whether it was shown among search results."""
        self.tried = False
        """Whether it was shown elsewhere, failed, or was swiped away from."""
        self.acted = False
        """Whether there was any other event, such as a like."""
        self.position: int | None = None
        self.entry_point: str | None = None
        self.feed_id: str | None = None
        self.started_at_ms = NEVER
        self.startup_ms = NEVER
        """How long the first frame took."""
        self.rendition: str | None = None
        self.codec: str | None = None
        self.autoplay: bool | None = None
        self.watch_ms = 0
        self.watch_floor_ms = 0
        """What a ``watchTime`` of the player has confirmed; the figure never falls below it."""
        self.anchor_at_ms = NEVER
        self.anchor_position_ms = 0
        self.stall_since_anchor_ms = 0
        self.duration_ms = 0
        self.completed = False
        self.completed_at_ms = 0
        """The first completion."""
        self.loop_count = 0
        self.rebuffers = 0
        self.rebuffer_ms = 0
        self.upshifts = 0
        self.downshifts = 0
        self.errors = 0
        self.fatal = False
        self.liked = False
        self.saved = False
        self.shared = False
        self.share_platform: str | None = None
        self.next_content_id: str | None = None
        self.ended_by = OPEN
        """:data:`OPEN` until the view has ended."""
        self.ended_at_ms = 0
        self.ended_clock_ms = 0
        self.play_counted: Counted | None = None
        self.completion_counted: Counted | None = None
        self.end_counted: CountedEnd | None = None
        """Where the view counts so far, as a play, as a completion and as an ended view."""
        self.due_ms = 0
        """When its timer fires: it may time out, or, once it ended, it is published."""
        self.touched = True
        """Whether anything of it changed since the last cut of a checkpoint."""

    def has_started(self) -> bool:
        """Whether there was a first frame."""
        return self.started_at_ms != NEVER

    def is_attempt(self) -> bool:
        """Whether this counts as a view at all.

        An impression among search results alone does not, and needs a play, an error or a swipe.
        """
        if self.tried or self.has_started():
            return True
        return (self.acted or self.completed) and not self.searched

    def outcome(self) -> str:
        """How the view came out, by precedence: completed, failed, never started, how it ended."""
        if self.completed:
            return COMPLETED
        if self.fatal or (self.errors and not self.has_started()):
            return FAILED
        if not self.has_started():
            return NEVER_STARTED
        return self.ended_by

    def is_rebuffered(self) -> bool:
        """Whether a started view stalled at least once."""
        return self.rebuffers > 0 and self.has_started()

    def is_exit_before_start(self) -> bool:
        """Whether it was shown and left without a first frame and without an error."""
        return self.impression and not self.has_started() and not self.errors

    def is_start_failure(self) -> bool:
        """Whether an error came instead of the first frame."""
        return self.impression and not self.has_started() and self.errors > 0

    def is_playback_failure(self) -> bool:
        """Whether a fatal error ended playback that had started."""
        return self.has_started() and self.fatal


def view_id(view: View) -> str:
    """The id of a view: the same for every worker that reads the same events."""
    digest = _EMPTY_DIGEST.copy()
    digest.update(f"{view.viewer}\x00{view.content_id}\x00{view.opened_by}".encode())
    return digest.hexdigest()


def view_key(view: View) -> str:
    """The Kafka key of a view's record: ``userId``, else ``deviceId``, else ``sessionId``."""
    return view.user_id or view.device_id or view.session_id or view.viewer


def view_record(view: View) -> bytes:
    """The view as JSON in the shape of the ``views`` topic."""
    platform, country, network_type, cdn, app_version = view.context
    # In the order of the fields: looking up each by its name would take a sixth longer.
    _encode_into(
        ViewRecord(
            view_id(view),
            view.session_id,
            view.device_id,
            view.user_id,
            view.content_id,
            format_timestamp(view.opened_at_ms),
            format_timestamp(view.ended_at_ms),
            view.outcome(),
            view.position,
            view.entry_point,
            view.feed_id,
            view.startup_ms if view.has_started() else None,
            view.watch_ms / 1000,
            view.duration_ms / 1000 if view.duration_ms else None,
            _share_watched(view),
            view.completed,
            view.loop_count,
            view.rebuffers,
            view.rebuffer_ms,
            view.upshifts,
            view.downshifts,
            view.rendition,
            view.codec,
            view.autoplay,
            view.errors,
            view.liked,
            view.saved,
            view.shared,
            view.share_platform,
            view.next_content_id,
            platform,
            app_version,
            country,
            network_type,
            cdn,
        ),
        _BUFFER,
    )
    return bytes(_BUFFER)


def _share_watched(view: View) -> float | None:
    if not view.duration_ms:
        return None
    if view.watch_ms >= view.duration_ms:
        return 1.0
    return round(view.watch_ms / view.duration_ms, 4)
