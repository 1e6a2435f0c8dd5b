"""The order of renditions, to tell a step up from a step down."""

import re
from typing import Final

UP: Final = "up"
DOWN: Final = "down"
UNKNOWN: Final = "unknown"
DIRECTIONS = (UP, DOWN, UNKNOWN)

# The names of YouTube's player, by the height of the picture in lines.
_NAMED_LINES: Final = {
    "tiny": 144,
    "small": 240,
    "medium": 360,
    "large": 480,
    "sd": 480,
    "hd": 720,
    "fhd": 1080,
    "qhd": 1440,
    "uhd": 2160,
    "2k": 1440,
    "4k": 2160,
    "8k": 4320,
    "highres": 4320,
}
_SIZE: Final = re.compile(r"(?:\d{2,5}x)?(?:hd)?(\d{2,5})(?:[pi]\d{0,3})?")


def direction(from_quality: str, to_quality: str) -> str:
    """Whether a switch went ``up`` or ``down``; ``unknown`` where the names do not tell."""
    before, after = _lines(from_quality), _lines(to_quality)
    if before is None or after is None or before == after:
        return UNKNOWN
    return UP if after > before else DOWN


def _lines(quality: str) -> int | None:
    name = quality.strip().lower()
    if name in _NAMED_LINES:
        return _NAMED_LINES[name]
    match = _SIZE.fullmatch(name)
    return int(match[1]) if match else None
