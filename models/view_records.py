"""A view that is over, as the ``views`` topic has it."""

from msgspec import Struct


class ViewRecord(Struct, rename="camel", gc=False):
    """The fields of a record, in their order; None: not known."""

    view_id: str
    session_id: str | None
    device_id: str | None
    user_id: str | None
    content_id: str
    started_at: str
    ended_at: str
    outcome: str
    position: int | None
    entry_point: str | None
    feed_id: str | None
    startup_ms: int | None
    watch_seconds: float
    duration_seconds: float | None
    percent_watched: float | None
    completed: bool
    loop_count: int
    rebuffer_count: int
    rebuffer_ms: int
    upshifts: int
    downshifts: int
    rendition: str | None
    codec: str | None
    autoplay: bool | None
    errors: int
    liked: bool
    saved: bool
    shared: bool
    share_platform: str | None
    next_content_id: str | None
    platform: str | None
    app_version: str | None
    country: str | None
    network_type: str | None
    cdn: str | None
