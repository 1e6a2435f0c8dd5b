"""An event that passed every rule, with what was found out about it on the way."""

from typing import final

from mypy_extensions import mypyc_attr

from models.events import Event


@final
@mypyc_attr(acyclic=True)
class CheckedEvent:
    """An event that may be accepted.

    Args:
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
        "event",
        "event_id",
        "kind",
        "normalised",
        "timestamp_ms",
    )

    def __init__(
        self,
        event: Event,
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
