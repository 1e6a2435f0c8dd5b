"""Every rule for one event, for the API and the stream worker alike.

The fast path decodes into typed messages and holds for nearly every event. Whatever it cannot
take goes to :mod:`models.explanation`, which either finds another accepted spelling or names
every fault.
"""

import msgspec

from models.event_time import event_time
from models.events import EVENT_TYPES, Event, Swipe, decode_custom, decode_known
from models.explanation import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    explain,
)
from models.names import CONTENT_ID, is_custom_name
from models.verdicts import CheckedEvent, Refusal

__all__ = ["MAX_EVENT_BYTES", "read_event"]

_content_id_fits = CONTENT_ID.fullmatch
_NOT_TYPED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_event(raw: bytes, now_ms: int, sent_at: str | None = None) -> CheckedEvent | Refusal:
    """Decode and validate one event.

    Args:
        raw: the event's JSON text.
        now_ms: server time, milliseconds since 1970.
        sent_at: the client's clock from the batch envelope; the event's own has priority.
    """
    event = _decode(raw)
    if event is not None:
        time = event_time(event.timestamp, event.sent_at or sent_at, now_ms)
        if type(time) is tuple:
            return CheckedEvent(event, time[0], time[1])
    return explain(raw, now_ms, sent_at)


def _decode(raw: bytes) -> Event | None:
    """The typed event, or None where only the slow path can tell."""
    if len(raw) > MAX_EVENT_BYTES or not (raw.isascii() or _is_utf8(raw)):
        return None
    if raw.count(b"{") + raw.count(b"[") > MAX_NESTING:
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
        if event.content_id is not None and not _content_id_fits(event.content_id):
            return None
    elif not _content_id_fits(event.content_id):  # type: ignore[arg-type] # only a swipe's is optional
        return None
    return event


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
