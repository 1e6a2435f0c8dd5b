"""The playback events of the HTTP API and of the raw topic, as typed messages.

These structs are the one definition of the fields, types and ranges: the fast decoder is built
from them, and so are the explanations of what was wrong and the OpenAPI schemas.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

MAX_STARTUP_MS: Final = 10 * 60 * 1000
MAX_STALL_MS: Final = 60 * 60 * 1000
MAX_WATCH_SECONDS: Final = 24 * 3600
MAX_POSITION_SECONDS: Final = 10_000_000_000
MAX_COUNT = 2**31 - 1

Identifier = Annotated[str, Meta(min_length=1, max_length=128)]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
StartupMs = Annotated[int, Meta(ge=0, le=MAX_STARTUP_MS, description="in milliseconds")]
StallMs = Annotated[int, Meta(ge=0, le=MAX_STALL_MS, description="in milliseconds")]
WatchSeconds = Annotated[float, Meta(ge=0, le=MAX_WATCH_SECONDS, description="in seconds")]
PositionSeconds = Annotated[float, Meta(ge=0, le=MAX_POSITION_SECONDS, description="in seconds")]
Percent = Annotated[float, Meta(ge=0, le=1_000_000)]
EntryPoint = Literal["feed", "search", "direct", "share"]


class Envelope(Struct, rename="camel", kw_only=True, gc=False):
    """What every event carries besides its own fields."""

    content_id: str | None
    event_id: Identifier | None = None
    user_id: Identifier | None = None
    device_id: Identifier | None = None
    session_id: Identifier | None = None
    timestamp: str | None = None
    sent_at: str | None = None
    platform: str | None = None
    app_version: str | None = None
    country: str | None = None
    network_type: str | None = None
    cdn: str | None = None


class NoData(Struct, gc=False):
    """``data`` of an event that needs none; whatever is in it is passed on."""


class ImpressionData(Struct, rename="camel", gc=False):
    """Where a content was shown."""

    position: Count
    entry_point: EntryPoint | None = None
    feed_id: str | None = None


class PlayStartData(Struct, rename="camel", gc=False):
    """The first frame of a view."""

    startup_time: StartupMs
    rendition: str | None = None
    codec: str | None = None
    autoplay: bool | None = None


class WatchProgressData(Struct, rename="camel", gc=False):
    """The playing position, sent every few seconds."""

    current_time: PositionSeconds
    duration: PositionSeconds
    percent_complete: Percent | None = None
    rendition: str | None = None


class CompletionData(Struct, rename="camel", gc=False):
    """The end of the content was reached."""

    watch_time: WatchSeconds
    looped: bool
    loop_count: Count | None = None


class SwipeData(Struct, rename="camel", gc=False):
    """The viewer went from one content to another; the time is of the one left."""

    from_content_id: str
    to_content_id: str
    watch_time: WatchSeconds
    direction: str | None = None


class ShareData(Struct, rename="camel", gc=False):
    """Where a content was shared to."""

    platform: str


class RebufferData(Struct, rename="camel", gc=False):
    """One stall after the first frame; its event is sent when the stall is over."""

    duration: StallMs
    current_time: PositionSeconds
    rendition: str | None = None


class QualityChangeData(Struct, rename="camel", gc=False):
    """A switch of the rendition."""

    from_quality: str
    to_quality: str


class ErrorData(Struct, rename="camel", gc=False):
    """A playback error."""

    error_code: str | int
    error_message: str
    fatal: bool | None = None


class Impression(Envelope, tag_field="event", tag="impression", kw_only=True):
    """A content became visible."""

    content_id: str
    data: ImpressionData


class PlayStart(Envelope, tag_field="event", tag="playStart", kw_only=True):
    """The first frame was shown."""

    content_id: str
    data: PlayStartData


class WatchProgress(Envelope, tag_field="event", tag="watchProgress", kw_only=True):
    """The playing position moved on."""

    content_id: str
    data: WatchProgressData


class Completion(Envelope, tag_field="event", tag="completion", kw_only=True):
    """The content was watched to its end."""

    content_id: str
    data: CompletionData


class Swipe(Envelope, tag_field="event", tag="swipe", kw_only=True):
    """The viewer left for another content."""

    content_id: str | None = None
    data: SwipeData


class Like(Envelope, tag_field="event", tag="like", kw_only=True):
    """The viewer liked the content."""

    content_id: str
    data: NoData | None = None


class Save(Envelope, tag_field="event", tag="save", kw_only=True):
    """The viewer saved the content."""

    content_id: str
    data: NoData | None = None


class Share(Envelope, tag_field="event", tag="share", kw_only=True):
    """The viewer shared the content."""

    content_id: str
    data: ShareData


class Rebuffer(Envelope, tag_field="event", tag="rebuffer", kw_only=True):
    """Playback stalled."""

    content_id: str
    data: RebufferData


class QualityChange(Envelope, tag_field="event", tag="qualityChange", kw_only=True):
    """The rendition changed."""

    content_id: str
    data: QualityChangeData


class PlaybackError(Envelope, tag_field="event", tag="error", kw_only=True):
    """Playback failed, for good or for a moment."""

    content_id: str
    data: ErrorData


class CustomEvent(Envelope, kw_only=True):
    """An event of the app's own: kept, deduplicated and forwarded."""

    event: str
    content_id: str
    data: NoData | None = None


KnownEvent = (
    Impression
    | PlayStart
    | WatchProgress
    | Completion
    | Swipe
    | Like
    | Save
    | Share
    | Rebuffer
    | QualityChange
    | PlaybackError
)
Event = KnownEvent | CustomEvent

EVENT_TYPES: dict[str, type[Envelope]] = {
    "impression": Impression,
    "playStart": PlayStart,
    "watchProgress": WatchProgress,
    "completion": Completion,
    "swipe": Swipe,
    "like": Like,
    "save": Save,
    "share": Share,
    "rebuffer": Rebuffer,
    "qualityChange": QualityChange,
    "error": PlaybackError,
}
CUSTOM: Final = "custom"
_LABELS: dict[type, str] = {CustomEvent: CUSTOM, **{kind: n for n, kind in EVENT_TYPES.items()}}

values_of: Final = msgspec.structs.astuple
"""The values of a message in the order of its fields; of an event those of the envelope first."""
decode_known = msgspec.json.Decoder(KnownEvent).decode
decode_custom = msgspec.json.Decoder(CustomEvent).decode


def partition_key(event: Event) -> str:
    """The Kafka key: ``sessionId``, else ``deviceId``, else ``userId``, else ``contentId``.

    Only a swipe may lack all four; its key is the content left.
    """
    key = event.session_id or event.device_id or event.user_id or event.content_id
    if key is None and type(event) is Swipe:
        return event.data.from_content_id
    return key or ""
