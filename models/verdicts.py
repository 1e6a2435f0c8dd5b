"""What the validation of one event answers."""

from typing import final

from msgspec import Struct

from models.events import Event

MISSING_FIELD = "missing_field"
INVALID_TYPE = "invalid_type"
INVALID_CONTENT_ID = "invalid_content_id"
UNKNOWN_CONTENT = "unknown_content"
OUT_OF_RANGE = "out_of_range"
TOO_OLD = "too_old"
MALFORMED = "malformed"
TOO_LARGE = "too_large"

REASONS = (
    MISSING_FIELD,
    INVALID_TYPE,
    INVALID_CONTENT_ID,
    UNKNOWN_CONTENT,
    OUT_OF_RANGE,
    TOO_OLD,
    MALFORMED,
    TOO_LARGE,
)


class Fault(Struct, frozen=True):
    """One thing wrong with an event: the rule, the field (``data.startupTime``) and the story."""

    reason: str
    field: str
    message: str


@final
class Refusal(Struct, frozen=True):
    """Why an event is refused: every fault found, in the order of the rules.

    The first fault is the verdict; the worker records that one, the API answers with all.
    """

    faults: tuple[Fault, ...]

    @property
    def reason(self) -> str:
        """The rule that decides."""
        return self.faults[0].reason


@final
class CheckedEvent(Struct, gc=False):
    """An event that may be accepted.

    ``timestamp_ms`` is final: corrected by the client's clock and held at server time where it
    ran ahead; ``adjusted`` says that it was changed. ``normalised`` is the event's JSON where it
    had to be rewritten (another spelling of a field), else None: the original bytes serve.
    ``plain`` says that its fields are the contract's own, each named once.
    """

    event: Event
    timestamp_ms: int
    adjusted: bool
    normalised: bytes | None = None
    plain: bool = False
