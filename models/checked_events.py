"""An event that passed every rule, with what was found out about it on the way."""

from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from models.events import Envelope, Event, SwipeData, decode_known, partition_key
from models.marks import SWIPE

Context = tuple[str | None, ...]
"""Platform, country, network type, CDN and app version as an event names them."""

_FIELDS: Final = Envelope.__struct_fields__
_CONTENT_ID: Final = _FIELDS.index("content_id")
_SESSION_ID: Final = _FIELDS.index("session_id")
_DEVICE_ID: Final = _FIELDS.index("device_id")
_USER_ID: Final = _FIELDS.index("user_id")
_PLATFORM: Final = _FIELDS.index("platform")
_COUNTRY: Final = _FIELDS.index("country")
_NETWORK_TYPE: Final = _FIELDS.index("network_type")
_CDN: Final = _FIELDS.index("cdn")
_APP_VERSION: Final = _FIELDS.index("app_version")
_EVENT_ID: Final = _FIELDS.index("event_id")
_TIMESTAMP: Final = _FIELDS.index("timestamp")
_SENT_AT: Final = _FIELDS.index("sent_at")


@final
@mypyc_attr(acyclic=True)
class CheckedEvent:
    """An event that may be accepted.

    What every event is asked for is an attribute of its own: those of a typed message take compiled
    code several times as long to read, and of most events none is made.

    Args:
        raw: the event's JSON, from which the typed message is made where ``typed`` is None.
        values: of the envelope's fields; times may be in any form.
        kind: one of :mod:`models.event_kinds`.
        timestamp_ms: final: corrected by the client's clock and held at server time where it ran
            ahead; ``adjusted`` says that it was changed.
        normalised: the event's JSON where it had to be rewritten (another spelling of a field),
            else None: the original bytes serve.
        can_be_continued: sure of every yes, whether ``events.accepted`` has the event's bytes as
            they are, and then what the worker adds.
    """

    __slots__ = (
        "adjusted",
        "can_be_continued",
        "content_id",
        "context",
        "data",
        "device_id",
        "event_id",
        "has_sent_at",
        "has_timestamp",
        "kind",
        "normalised",
        "raw",
        "session_id",
        "timestamp_ms",
        "typed",
        "user_id",
    )

    def __init__(
        self,
        raw: bytes,
        typed: Event | None,
        values: tuple[Any, ...],
        data: Any,
        kind: int,
        timestamp_ms: int,
        adjusted: bool,
        normalised: bytes | None,
        can_be_continued: bool,
    ) -> None:
        self.raw = raw
        self.typed = typed
        self.kind = kind
        self.timestamp_ms = timestamp_ms
        self.adjusted = adjusted
        self.normalised = normalised
        self.can_be_continued = can_be_continued
        self.event_id: str | None = values[_EVENT_ID]
        """The id that it came with."""
        self.has_timestamp = values[_TIMESTAMP] is not None
        self.has_sent_at = values[_SENT_AT] is not None
        self.session_id: str | None = values[_SESSION_ID]
        self.device_id: str | None = values[_DEVICE_ID]
        self.user_id: str | None = values[_USER_ID]
        self.context: Context = (
            values[_PLATFORM],
            values[_COUNTRY],
            values[_NETWORK_TYPE],
            values[_CDN],
            values[_APP_VERSION],
        )
        self.data = data
        self.content_id: str = _left(data) if kind == SWIPE else values[_CONTENT_ID]
        """The content that it is about; of a swipe, the one left."""

    @property
    def event(self) -> Event:
        """All of it as a typed message."""
        if self.typed is None:
            self.typed = decode_known(self.raw)
        return self.typed

    def key(self) -> str:
        """What :func:`models.events.partition_key` says."""
        return self.session_id or self.device_id or self.user_id or partition_key(self.event)


def _left(swipe: SwipeData) -> str:
    return swipe.from_content_id
