"""Every rule for one event, for the API and the stream worker alike.

The fast path decodes into typed messages and holds for nearly every event. Whatever it cannot
take goes to :mod:`models.explanation`, which either finds another accepted spelling or names
every fault.
"""

import re
from typing import Final

import msgspec

from models.catalogue import Catalogue
from models.event_time import event_time
from models.events import EVENT_TYPES, Event, Swipe, content_ids, decode_custom, decode_known
from models.explanation import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    explain,
)
from models.names import CONTENT_ID, is_custom_name
from models.plain_names import is_plain
from models.verdicts import CheckedEvent, Refusal

__all__ = ["MAX_EVENT_BYTES", "read_event"]

_MAX_FITTING_IDS: Final = 20_000
# The same contents come again and again, and looking one up is cheaper than reading its letters.
_FITTING_IDS: Final[set[str]] = set()

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
        plain = is_plain(raw, event)
        if (plain or _skipped_is_sound(raw)) and (
            catalogue is None or _is_in(catalogue, event, now_ms)
        ):
            time = event_time(
                event.timestamp, sent_at if event.sent_at is None else event.sent_at, now_ms
            )
            if type(time) is tuple:
                return CheckedEvent(event, time[0], time[1], None, plain)
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
        event = decode_known(raw)
    except _NOT_TYPED:
        try:
            event = decode_custom(raw)
        except _NOT_TYPED:
            return None
        if event.event in EVENT_TYPES or not is_custom_name(event.event):
            return None
    if type(event) is Swipe:
        data = event.data
        if not _content_id_fits(data.from_content_id) or not _content_id_fits(data.to_content_id):
            return None
    # Only a swipe may be without one.
    content_id = event.content_id
    return event if content_id is None or _content_id_fits(content_id) else None


def _content_id_fits(content_id: str) -> bool:
    if content_id in _FITTING_IDS:
        return True
    if CONTENT_ID.fullmatch(content_id) is None:
        return False
    if len(_FITTING_IDS) >= _MAX_FITTING_IDS:
        _FITTING_IDS.clear()
    _FITTING_IDS.add(content_id)
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
