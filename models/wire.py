"""The JSON of events on their way: into the raw topic, and on to ``events.accepted``."""

from hashlib import blake2b
from typing import Any
from uuid import uuid4

import msgspec

from models.events import CustomEvent, Event
from models.explanation import parse_object
from models.timestamps import format_timestamp, is_canonical
from models.verdicts import CheckedEvent

_encode = msgspec.json.encode
_decode_any = msgspec.json.Decoder().decode
_values_of = msgspec.structs.astuple
_WHITE_SPACE = b" \t\n\r"
_CONTAINERS = (dict, list)
_NOT_STRICT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


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
    event = checked.event
    event_id = event.event_id
    added: dict[str, str | None] = {}
    if event_id is None:
        event_id = derived_event_id(raw) if event.timestamp is not None else uuid4().hex
        added["eventId"] = event_id
    if event.timestamp is None:
        added["timestamp"] = format_timestamp(now_ms)
        if event.sent_at is not None:
            added["sentAt"] = None
    elif sent_at is not None and event.sent_at is None:
        added["sentAt"] = sent_at
    return (_with_fields(raw, _encode(added)) if added else raw), event_id


def accepted_form(raw: bytes, checked: CheckedEvent, event_id: str, received_at: str) -> bytes:
    """The value of ``events.accepted``: the event with its id, final timestamp and receipt.

    Every name stands in it once. The original bytes are passed through where nothing had to change.
    """
    event = checked.event
    if (
        checked.normalised is None
        and not checked.adjusted
        and event.event_id is not None
        and event.timestamp is not None
        and is_canonical(event.timestamp)
        and raw[-1] == 125
        and _can_be_continued(raw, event)
    ):
        return raw[:-1] + b',"receivedAt":"' + received_at.encode() + b'","adjusted":false}'
    fields = _fields(checked.normalised or raw)
    fields["eventId"] = event_id
    fields["timestamp"] = format_timestamp(checked.timestamp_ms)
    fields["receivedAt"] = received_at
    fields["adjusted"] = checked.adjusted
    return _encode(fields)


def _can_be_continued(raw: bytes, event: Event) -> bool:
    """Whether no name stands twice in ``raw``, at any depth, nor one that the worker adds.

    Sure of every yes; a no may also come from a text in which a colon follows a quote, its opening
    one included.
    """
    # Without white space every name ends in a quote and a colon. Texts may have some more of
    # these, so there are at most so many names.
    most_names = raw.translate(None, _WHITE_SPACE).count(b'":')
    if most_names == _typed_names(event):
        return True
    try:
        fields = _decode_any(raw)
    except _NOT_STRICT:
        return False
    return (
        most_names == _distinct_names(fields)
        and "receivedAt" not in fields
        and "adjusted" not in fields
    )


def _typed_names(event: Event) -> int:
    """How many names of the contract have a value in the event, its own name among them."""
    values = _values_of(event)
    names = len(values) - values.count(None)
    if type(event) is not CustomEvent:
        names += 1
    data = event.data
    if data is not None:
        values = _values_of(data)
        names += len(values) - values.count(None)
    return names


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
