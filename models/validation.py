"""Every rule for one event, for the API and the stream worker alike.

Nearly every event is plain, and read as :mod:`models.plain_form` says. Others are decoded into
typed messages. Whatever is not accepted so far goes to :mod:`models.explanation`, which either
finds another accepted spelling or names every fault.
"""

import re
from typing import Any, Final

import msgspec

from models.catalogue import Catalogue
from models.event_kinds import KIND_OF
from models.event_time import corrected, event_time, is_too_old
from models.events import (
    EVENT_TYPES,
    Envelope,
    Event,
    SwipeData,
    decode_custom,
    decode_known,
    values_of,
)
from models.explanation import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    explain,
)
from models.names import CONTENT_ID, is_custom_name
from models.plain_form import plain_reader
from models.timestamps import parse_timestamp_ms
from models.verdicts import CheckedEvent, Refusal

__all__ = ["MAX_EVENT_BYTES", "read_event"]

_decode_known: Final = decode_known
_read_plain: Final = plain_reader()
_FIELDS: Final = Envelope.__struct_fields__
_CONTENT_ID: Final = _FIELDS.index("content_id")
_EVENT_ID: Final = _FIELDS.index("event_id")
_TIMESTAMP: Final = _FIELDS.index("timestamp")
_SENT_AT: Final = _FIELDS.index("sent_at")
_DATA: Final = len(_FIELDS)
_KIND: Final = _DATA + 1

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
    checked = None
    if len(raw) <= MAX_EVENT_BYTES:
        values = _read_plain(raw)
        if values is None:
            checked = _check_typed(raw, now_ms, sent_at, catalogue)
        else:
            checked = _check_plain(raw, values, now_ms, sent_at, catalogue)
    return explain(raw, now_ms, sent_at, catalogue) if checked is None else checked


def _check_plain(
    raw: bytes,
    values: tuple[Any, ...],
    now_ms: int,
    sent_at: str | None,
    catalogue: Catalogue | None,
) -> CheckedEvent | None:
    """What :func:`models.plain_form.plain_reader` read, where it is accepted."""
    data = values[_DATA]
    if catalogue is not None and not _is_in(catalogue, values[_CONTENT_ID], data, now_ms):
        return None
    timestamp_ms: int | None = values[_TIMESTAMP]
    sent_ms: int | None = values[_SENT_AT]
    if sent_ms is None and sent_at is not None:
        sent_ms = parse_timestamp_ms(sent_at)
        if sent_ms is None:
            return None
    at_ms, adjusted = now_ms, False
    if timestamp_ms is not None:
        at_ms, adjusted = corrected(timestamp_ms, sent_ms, now_ms)
        if is_too_old(at_ms, now_ms):
            return None
    as_it_is = timestamp_ms is not None and values[_EVENT_ID] is not None and not adjusted
    return CheckedEvent(raw, None, values, data, values[_KIND], at_ms, adjusted, None, as_it_is)


def _check_typed(
    raw: bytes, now_ms: int, sent_at: str | None, catalogue: Catalogue | None
) -> CheckedEvent | None:
    """An event that the typed decoder takes, where it is accepted."""
    event = _decode(raw)
    if event is None or not _skipped_is_sound(raw):
        return None
    content_id, data = event.content_id, event.data
    if not _content_ids_fit(content_id, data):
        return None
    if catalogue is not None and not _is_in(catalogue, content_id, data, now_ms):
        return None
    time = event_time(event.timestamp, sent_at if event.sent_at is None else event.sent_at, now_ms)
    if type(time) is not tuple:
        return None
    at_ms, adjusted = time
    kind = KIND_OF[type(event)]
    return CheckedEvent(raw, event, values_of(event), data, kind, at_ms, adjusted, None, False)


def _is_in(catalogue: Catalogue, content_id: str | None, data: Any, now_ms: int) -> bool:
    """Whether every content that an event names is in the catalogue."""
    return all(catalogue.knows(named, now_ms) for named in _content_ids(content_id, data))


def _content_ids_fit(content_id: str | None, data: Any) -> bool:
    """Whether the content ids that an event names have their form."""
    return all(CONTENT_ID.fullmatch(named) for named in _content_ids(content_id, data))


def _content_ids(content_id: str | None, data: Any) -> list[str]:
    """Every content that an event names: of a swipe the one left and the one gone to, and only a
    swipe may be without its own."""
    named = [] if content_id is None else [content_id]
    if isinstance(data, SwipeData):
        named += [data.from_content_id, data.to_content_id]
    return named


def _decode(raw: bytes) -> Event | None:
    """The typed event, or None where only the slow path can tell."""
    if not (raw.isascii() or _is_utf8(raw)):
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
