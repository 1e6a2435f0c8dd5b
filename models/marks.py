"""The marks of a viewer: events that say where views begin and end, as checkpoints keep them."""

from typing import Final

from mypy_extensions import mypyc_attr

from models.events import ImpressionData, PlayStartData

OTHER: Final = 0
IMPRESSION: Final = 1
FIRST_FRAME: Final = 2
COMPLETION: Final = 3
SWIPE: Final = 4
TIMEOUT: Final = 5
"""No event: the moment of server time at which a view of the content timed out."""


@mypyc_attr(acyclic=True)
class Mark:
    """One event that says where views begin and end, or what of them counts once.

    ``at_ms`` is event time, ``arrived_ms`` server time; ``view`` is the number of the view that
    it belongs to as far as is known. :data:`OTHER` is any other event that opened a view.

    Args:
        impression: what an impression says, and no other mark.
        first_frame: what a first frame says, and no other mark.
        next_content_id: where a swipe went.
    """

    __slots__ = (
        "arrived_ms",
        "at_ms",
        "content_id",
        "event_id",
        "first_frame",
        "impression",
        "kind",
        "next_content_id",
        "view",
    )

    def __init__(
        self,
        kind: int,
        at_ms: int,
        arrived_ms: int,
        content_id: str,
        event_id: str,
        view: int,
        impression: ImpressionData | None = None,
        first_frame: PlayStartData | None = None,
        next_content_id: str | None = None,
    ) -> None:
        self.kind = kind
        self.at_ms = at_ms
        self.arrived_ms = arrived_ms
        self.content_id = content_id
        self.event_id = event_id
        self.view = view
        self.impression = impression
        self.first_frame = first_frame
        self.next_content_id = next_content_id
