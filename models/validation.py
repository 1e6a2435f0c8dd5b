"""Every rule for one event, for the API and the stream worker alike.

The fast path decodes into typed messages and holds for nearly every event. Whatever it cannot
take goes to :mod:`models.explanation`, which either finds another accepted spelling or names
every fault.
"""

import re
from typing import Any, Final

import msgspec
from mypy_extensions import i64

from models.catalogue import Catalogue
from models.event_kinds import KIND_OF
from models.event_time import MAX_AGE_MS, MAX_AHEAD_MS, event_time
from models.events import (
    EVENT_TYPES,
    Envelope,
    Event,
    SwipeData,
    content_ids,
    decode_custom,
    decode_known,
)
from models.explanation import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    explain,
)
from models.marks import SWIPE
from models.names import MAX_CONTENT_ID, is_custom_name
from models.plain_names import CLOSING, is_plain, values_of
from models.timestamps import canonical_ms, is_canonical
from models.verdicts import CheckedEvent, Refusal

__all__ = ["MAX_EVENT_BYTES", "read_event"]

_decode_known: Final = decode_known
_CONTENT_ID: Final = Envelope.__struct_fields__.index("content_id")
_EVENT_ID: Final = Envelope.__struct_fields__.index("event_id")
_TIMESTAMP: Final = Envelope.__struct_fields__.index("timestamp")
_SENT_AT: Final = Envelope.__struct_fields__.index("sent_at")

_SMALL_A: Final[i64] = ord("a")
_SMALL_Z: Final[i64] = ord("z")
_A: Final[i64] = ord("A")
_Z: Final[i64] = ord("Z")
_UNDERSCORE: Final[i64] = ord("_")
# From - to : there are all the digits, a point, and a slash.
_DASH: Final[i64] = ord("-")
_COLON: Final[i64] = ord(":")
_SLASH: Final[i64] = ord("/")

# The decoder skips the fields it does not know without looking at how deep they go or how large
# their numbers are. One translation leaves only what tells: a closing bracket as }, what may stand
# before a number as a colon, and the exponent e; quotes, and the t and f of the literals, keep
# a colon apart from an e that is none.
_KEPT_SIGNS = b'"eE:,[}]tf'
_AS_SIGNS: Final = bytes.maketrans(b"E,[]", b"e::}")
_NO_SIGNS: Final = bytes(byte for byte in range(256) if byte not in _KEPT_SIGNS)
_EXPONENT: Final = re.compile(rb"[:,\[\s]-?[0-9.]+[eE]\+?[0-9]{2}")
# A number past every double has an exponent of two digits at least, or else 300 digits of its own;
# those show in a sample of every hundredth character.
_MANY_DIGITS: Final = 300
_STRIDE: Final = 100
_DIGITS: Final = re.compile(rb"[0-9.]{3}")

_NOT_TYPED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_event(
    raw: bytes, now_ms: int, sent_at: str | None = None, catalogue: Catalogue | None = None
) -> CheckedEvent | Refusal:
    """Decode and validate one event.

    Args:
        raw: the event's JSON text.
        now_ms: server time, milliseconds since 1970.
        sent_at: the client's clock from the batch envelope; the event's own has priority.
        catalogue: the contents that it may be about; None: any.
    """
    event = _decode(raw)
    if event is not None:
        kind = KIND_OF[type(event)]
        values: tuple[Any, ...] = values_of(event)
        plain = is_plain(raw, kind, values)
        if (
            (plain or _skipped_is_sound(raw))
            and _content_ids_fit(kind, values)
            and (catalogue is None or _is_in(catalogue, event, now_ms))
        ):
            event_id: str | None = values[_EVENT_ID]
            timestamp: str | None = values[_TIMESTAMP]
            own_sent_at: str | None = values[_SENT_AT]
            as_it_is = plain and event_id is not None and raw[-1] == CLOSING
            if timestamp is not None and own_sent_at is None and sent_at is None:
                # Nearly all events: no more than one time to read, and nothing to correct.
                at_ms = canonical_ms(timestamp)
                if now_ms - MAX_AGE_MS <= at_ms <= now_ms + MAX_AHEAD_MS:
                    return CheckedEvent(event, values, kind, event_id, at_ms, False, None, as_it_is)
            time = event_time(timestamp, sent_at if own_sent_at is None else own_sent_at, now_ms)
            if type(time) is tuple:
                at_ms, adjusted = time
                as_it_is = as_it_is and not adjusted
                as_it_is = as_it_is and timestamp is not None and is_canonical(timestamp)
                return CheckedEvent(event, values, kind, event_id, at_ms, adjusted, None, as_it_is)
    return explain(raw, now_ms, sent_at, catalogue)


def _is_in(catalogue: Catalogue, event: Event, now_ms: int) -> bool:
    """Whether every content that an event names is in the catalogue."""
    return all(catalogue.knows(content_id, now_ms) for content_id in content_ids(event))


def _decode(raw: bytes) -> Event | None:
    """The typed event, or None where only the slow path can tell."""
    if len(raw) > MAX_EVENT_BYTES or not (raw.isascii() or _is_utf8(raw)):
        return None
    event: Event
    try:
        event = _decode_known(raw)
    except _NOT_TYPED:
        try:
            event = decode_custom(raw)
        except _NOT_TYPED:
            return None
        if event.event in EVENT_TYPES or not is_custom_name(event.event):
            return None
    return event


def _content_ids_fit(kind: int, values: tuple[Any, ...]) -> bool:
    """Whether the content ids in the values of an event have their form."""
    if kind == SWIPE:
        data: SwipeData = values[-1]
        if not _content_id_fits(data.from_content_id) or not _content_id_fits(data.to_content_id):
            return False
    # Only a swipe may be without one.
    content_id: str | None = values[_CONTENT_ID]
    return content_id is None or _content_id_fits(content_id)


def _content_id_fits(content_id: str) -> bool:
    """What :data:`models.names.CONTENT_ID` says, in less time where it is compiled."""
    length: i64 = len(content_id)
    if not 1 <= length <= MAX_CONTENT_ID:
        return False
    for place in range(length):
        sign: i64 = ord(content_id[place])
        if not (
            _SMALL_A <= sign <= _SMALL_Z
            or (_DASH <= sign <= _COLON and sign != _SLASH)
            or _A <= sign <= _Z
            or sign == _UNDERSCORE
        ):
            return False
    return True


def _skipped_is_sound(raw: bytes) -> bool:
    """Whether what the decoder skipped is neither nested too deeply nor has too large a number."""
    signs = raw.translate(_AS_SIGNS, _NO_SIGNS)
    if signs.count(b"}") > MAX_NESTING:
        return False
    if signs.count(b":e") and _EXPONENT.search(raw):
        return False
    if len(raw) > _MANY_DIGITS and _DIGITS.search(raw[::_STRIDE]):
        return False
    return True


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
