"""The kinds of events as small integers, for the places where every event comes by."""

from typing import Final

from models.events import (
    CUSTOM,
    EVENT_TYPES,
    Completion,
    CustomEvent,
    Impression,
    Like,
    PlaybackError,
    PlayStart,
    QualityChange,
    Rebuffer,
    Save,
    Share,
    Swipe,
    WatchProgress,
)
from models.marks import COMPLETION, FIRST_FRAME, IMPRESSION, SWIPE

# Those that leave a mark have its number.
WATCH_PROGRESS: Final = 6
REBUFFER: Final = 7
QUALITY_CHANGE: Final = 8
ERROR: Final = 9
LIKE: Final = 10
SAVE: Final = 11
SHARE: Final = 12
CUSTOM_EVENT: Final = 13
KINDS: Final = 14

KIND_OF: Final[dict[type, int]] = {
    Impression: IMPRESSION,
    PlayStart: FIRST_FRAME,
    Completion: COMPLETION,
    Swipe: SWIPE,
    WatchProgress: WATCH_PROGRESS,
    Rebuffer: REBUFFER,
    QualityChange: QUALITY_CHANGE,
    PlaybackError: ERROR,
    Like: LIKE,
    Save: SAVE,
    Share: SHARE,
    CustomEvent: CUSTOM_EVENT,
}
LABEL_OF: Final[dict[int, str]] = {
    CUSTOM_EVENT: CUSTOM,
    **{KIND_OF[event_type]: name for name, event_type in EVENT_TYPES.items()},
}
"""The event's name as a metric label: one of the known names or ``custom``."""
