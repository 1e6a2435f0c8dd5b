"""An event that passed every rule, with what was found out about it on the way."""

from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from models.events import Envelope, Event, SwipeData
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


@final
@mypyc_attr(acyclic=True)
class CheckedEvent:
    """An event that may be accepted.

    What every event is asked for is an attribute of its own: those of ``event`` take compiled code
    several times as long to read.

    Args:
        values: the fields of ``event``, those of the envelope first and ``data`` last.
        kind: one of :mod:`models.event_kinds`.
        event_id: the id that it came with.
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
        "event",
        "event_id",
        "kind",
        "normalised",
        "session_id",
        "timestamp_ms",
        "user_id",
    )

    def __init__(
        self,
        event: Event,
        values: tuple[Any, ...],
        kind: int,
        event_id: str | None,
        timestamp_ms: int,
        adjusted: bool,
        normalised: bytes | None,
        can_be_continued: bool,
    ) -> None:
        self.event = event
        self.kind = kind
        self.event_id = event_id
        self.timestamp_ms = timestamp_ms
        self.adjusted = adjusted
        self.normalised = normalised
        self.can_be_continued = can_be_continued
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
        self.data: Any = values[-1]
        self.content_id = _subject_id(kind, values)
        """The content that it is about; of a swipe, the one left."""


def _subject_id(kind: int, values: tuple[Any, ...]) -> str:
    if kind == SWIPE:
        swipe: SwipeData = values[-1]
        return swipe.from_content_id
    content_id: str = values[_CONTENT_ID]
    return content_id
