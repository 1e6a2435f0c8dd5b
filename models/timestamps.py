"""ISO 8601 text to and from integer milliseconds since 1970 (UTC)."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from mypy_extensions import i64

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MAX_CHARACTERS: Final = 64

# Python reads more than ISO 8601 has (any character before the time, offsets with seconds), reads
# a fraction of a minute as one of a second, and takes other forms in each of its versions.
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?"
_FRACTION = r"([.,][0-9]+)?"
_FORMS: Final = re.compile(
    rf"""[0-9]{{4}}-([0-9]{{2}}-[0-9]{{2}}|W[0-9]{{2}}-[0-9])
         (T[0-9]{{2}}(:[0-9]{{2}}(:[0-9]{{2}}{_FRACTION})?)?{_OFFSET})?
       | [0-9]{{4}}([0-9]{{4}}|W[0-9]{{3}})
         (T[0-9]{{2}}([0-9]{{2}}([0-9]{{2}}{_FRACTION})?)?{_OFFSET})?""",
    re.VERBOSE,
)
_MAX_CACHED: Final = 20_000

# Players write 2026-01-02T03:04:05.678Z almost always. Of that form everything up to the second is
# looked up (the strict parser fills that in), and the milliseconds are three digits.
_SECONDS: Final[dict[str, int]] = {}
_CANONICAL_LENGTH: Final = 24
_ZERO: Final[i64] = ord("0")
_WRITTEN_MILLISECONDS: Final = [f"{ms:03d}Z" for ms in range(1000)]
NOT_CANONICAL: Final = -(1 << 60)
"""No time; far from every one that can be written."""
FIRST_MS: Final = -62_135_596_800_000
LAST_MS: Final = 253_402_300_799_999
"""The times between which one can be written."""
_WRITTEN_SECONDS: Final[dict[int, str]] = {}


def parse_timestamp_ms(text: str) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 date and time, or None where it is none.

    Calendar and week dates, all extended or all basic but for the offset, with ``T`` before the
    time. What is left out at the end is 0, an offset UTC; a fraction finer than a millisecond is
    cut. There is neither an hour 24 nor a second 60.
    """
    canonical = canonical_ms(text)
    return _parse_ms(text) if canonical == NOT_CANONICAL else canonical


def canonical_ms(text: str) -> int:
    """Milliseconds since 1970 of the form that :func:`format_timestamp` writes, or
    :data:`NOT_CANONICAL`."""
    if not is_canonical(text):
        return NOT_CANONICAL
    hundreds: i64 = ord(text[20]) - _ZERO
    tens: i64 = ord(text[21]) - _ZERO
    ones: i64 = ord(text[22]) - _ZERO
    if not (0 <= hundreds <= 9 and 0 <= tens <= 9 and 0 <= ones <= 9):
        return NOT_CANONICAL
    until_second = text[:20]
    second_ms = _SECONDS.get(until_second)
    if second_ms is None:
        second_ms = _parse_ms(until_second + "000Z")
        if second_ms is None:
            return NOT_CANONICAL
        if len(_SECONDS) >= _MAX_CACHED:
            _SECONDS.clear()
        _SECONDS[until_second] = second_ms
    return second_ms + (hundreds * 100 + tens * 10 + ones)


def _parse_ms(text: str) -> int | None:
    if len(text) > _MAX_CHARACTERS or not _FORMS.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None


def format_timestamp(ms: int) -> str:
    """The ISO 8601 form with milliseconds and ``Z``; a time past the years 1 to 9999 is held there.

    >>> format_timestamp(1)
    '1970-01-01T00:00:00.001Z'
    """
    if not FIRST_MS <= ms <= LAST_MS:
        ms = FIRST_MS if ms < FIRST_MS else LAST_MS
    second = ms // 1000
    text = _WRITTEN_SECONDS.get(second)
    if text is None:
        if len(_WRITTEN_SECONDS) >= _MAX_CACHED:
            _WRITTEN_SECONDS.clear()
        moment = _EPOCH + timedelta(seconds=second)
        text = _WRITTEN_SECONDS[second] = moment.replace(tzinfo=None).isoformat() + "."
    return text + _WRITTEN_MILLISECONDS[ms % 1000]


def is_canonical(text: str) -> bool:
    """Whether a valid timestamp already has the form that :func:`format_timestamp` writes."""
    return (
        len(text) == _CANONICAL_LENGTH
        and text[7] == "-"  # not a week date
        and text[10] == "T"
        and text[19] == "."
        and text[23] == "Z"
    )
