"""What the validation of one event answers."""

from typing import final

from msgspec import Struct

from models.checked_events import CheckedEvent as CheckedEvent

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
