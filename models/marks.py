"""The marks of a viewer: events that say where views begin and end, as checkpoints keep them."""

from typing import Final

from msgspec import Struct

from models.events import ImpressionData, PlayStartData

OTHER: Final = 0
IMPRESSION: Final = 1
FIRST_FRAME: Final = 2
COMPLETION: Final = 3
SWIPE: Final = 4
TIMEOUT: Final = 5
"""No event: the moment of server time at which a view of the content timed out."""


class Mark(Struct, array_like=True, gc=False, eq=False):
    """One event that says where views begin and end, or what of them counts once.

    ``at_ms`` is event time, ``arrived_ms`` server time; ``view`` is the number of the view that
    it belongs to as far as is known. :data:`OTHER` is any other event that opened a view.
    """

    kind: int
    at_ms: int
    arrived_ms: int
    content_id: str
    event_id: str
    view: int
    impression: ImpressionData | None
    first_frame: PlayStartData | None
    next_content_id: str | None
