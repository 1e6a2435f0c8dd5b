"""The JSON of events on their way: into the raw topic, and on to ``events.accepted``."""

from hashlib import blake2b
from typing import Any, Final, final
from uuid import uuid4

import msgspec

from models.explanation import parse_object
from models.timestamps import FIRST_MS, LAST_MS, format_timestamp, is_canonical
from models.verdicts import CheckedEvent

_encode: Final = msgspec.json.encode
_decode_any: Final = msgspec.json.Decoder().decode
_CLOSING: Final = ord("}")
_WHITE_SPACE: Final = b" \t\n\r"
_CONTAINERS: Final = (dict, list)
_FROM_SECOND: Final = [f'{ms:03d}Z","adjusted":false}}'.encode() for ms in range(1000)]
_SECOND_MS: Final = 1_000
_NOT_STRICT: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@final
class _Second:
    """A second, and what :func:`continuation` writes up to it: many events share that."""

    __slots__ = ("continuation", "start_ms")

    def __init__(self) -> None:
        self.start_ms = 0
        self.continuation = b',"receivedAt":"1970-01-01T00:00:00.'


_LAST_SECOND: Final = _Second()


def derived_event_id(raw: bytes) -> str:
    """The id of an event that came without one: the same for every retry of the same event.

    A digest of all its fields but ``sentAt``, which a retry changes.
    """
    fields = _fields(raw)
    fields.pop("eventId", None)
    fields.pop("sentAt", None)
    return blake2b(_encode(fields, order="sorted"), digest_size=16).hexdigest()


def stored_form(
    raw: bytes, checked: CheckedEvent, now_ms: int, sent_at: str | None = None
) -> tuple[bytes, str]:
    """What the API writes to the raw topic, and the event's id.

    The event as it was sent, plus a missing ``eventId`` or ``timestamp``, and the batch's
    ``sentAt`` where the event has none. A server timestamp needs no correction by the client's
    clock, so ``sentAt`` is made void beside it.
    """
    event_id = checked.event_id
    added: dict[str, str | None] = {}
    if event_id is None:
        event_id = derived_event_id(raw) if checked.has_timestamp else uuid4().hex
        added["eventId"] = event_id
    if not checked.has_timestamp:
        added["timestamp"] = format_timestamp(now_ms)
        if checked.has_sent_at:
            added["sentAt"] = None
    elif sent_at is not None and not checked.has_sent_at:
        added["sentAt"] = sent_at
    return (_with_fields(raw, _encode(added)) if added else raw), event_id


def accepted_form(raw: bytes, checked: CheckedEvent, event_id: str, received_ms: int) -> bytes:
    """The value of ``events.accepted``: the event with its id, final timestamp and receipt.

    Every name stands in it once. The original bytes are passed through where nothing had to change.
    """
    if checked.can_be_continued or _can_be_continued(raw, checked):
        return raw[:-1] + continuation(received_ms)
    fields = _fields(checked.normalised or raw)
    fields["eventId"] = event_id
    fields["timestamp"] = format_timestamp(checked.timestamp_ms)
    fields["receivedAt"] = format_timestamp(received_ms)
    fields["adjusted"] = checked.adjusted
    return _encode(fields)


def continuation(received_ms: int) -> bytes:
    """What ``events.accepted`` has of an event in place of its closing brace, where nothing else
    had to change."""
    last = _LAST_SECOND
    into_second_ms = received_ms - last.start_ms
    if not 0 <= into_second_ms < _SECOND_MS:
        held_ms = min(max(received_ms, FIRST_MS), LAST_MS)
        into_second_ms = held_ms % _SECOND_MS
        last.start_ms = held_ms - into_second_ms
        text = f',"receivedAt":"{format_timestamp(last.start_ms)}'
        last.continuation = text[: -len("000Z")].encode()
    return last.continuation + _FROM_SECOND[into_second_ms]


def _can_be_continued(raw: bytes, checked: CheckedEvent) -> bool:
    """Whether nothing had to change, and no name stands twice in ``raw``, at any depth, nor one
    that the worker adds.

    Sure of every yes, as :func:`_most_names` is of its count.
    """
    if (
        checked.normalised is not None
        or checked.adjusted
        or checked.event_id is None
        or not checked.has_timestamp
        or raw[-1] != _CLOSING
    ):
        return False
    timestamp = checked.event.timestamp
    if timestamp is None or not is_canonical(timestamp):
        return False
    try:
        fields = _decode_any(raw)
    except _NOT_STRICT:
        return False
    return (
        _most_names(raw) == _distinct_names(fields)
        and "receivedAt" not in fields
        and "adjusted" not in fields
    )


def _most_names(raw: bytes) -> int:
    """So many names are in a JSON text at most, at any depth.

    Without white space every name ends in a quote and a colon; texts may have some more of these.
    """
    return raw.translate(None, _WHITE_SPACE).count(b'":')


def _distinct_names(value: Any) -> int:
    if type(value) is dict:
        return len(value) + sum(
            [_distinct_names(item) for item in value.values() if type(item) in _CONTAINERS]
        )
    if type(value) is list:
        return sum([_distinct_names(item) for item in value if type(item) in _CONTAINERS])
    return 0


def _fields(raw: bytes) -> dict[str, Any]:
    fields = parse_object(raw)
    if not isinstance(fields, dict):
        raise ValueError(fields.message)
    return fields


def _with_fields(raw: bytes, added: bytes) -> bytes:
    """``raw``, a JSON object with at least one field, with those of ``added`` last: they win."""
    return raw.rstrip()[:-1] + b"," + added[1:]
