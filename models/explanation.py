"""The slow path of validation: find another accepted spelling, or every fault.

Only events that the faster paths did not accept come here. The fields, types and ranges are read
off the typed messages of :mod:`models.events`, so the paths cannot disagree.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from models.catalogue import Catalogue
from models.event_kinds import KIND_OF
from models.event_time import event_time
from models.events import EVENT_TYPES, CustomEvent, Envelope, Event, values_of
from models.fields import FieldRule, rules_of
from models.names import CONTENT_ID, EVENT_NAME, known_spelling
from models.verdicts import (
    INVALID_CONTENT_ID,
    INVALID_TYPE,
    MALFORMED,
    MISSING_FIELD,
    OUT_OF_RANGE,
    TOO_LARGE,
    UNKNOWN_CONTENT,
    CheckedEvent,
    Fault,
    Refusal,
)

MAX_EVENT_BYTES: Final = 64 * 1024
MAX_NESTING: Final = 32

_MAX_DIGITS = 308
"""Every integer of so many digits lies within the range of a double."""
_IDENTIFIERS = ("eventId", "userId", "deviceId", "sessionId")
_RULE_ORDER = {INVALID_CONTENT_ID: 2, UNKNOWN_CONTENT: 2, OUT_OF_RANGE: 3}


def explain(
    raw: bytes, now_ms: int, sent_at: str | None, catalogue: Catalogue | None = None
) -> CheckedEvent | Refusal:
    """Accept ``raw`` in another spelling, or say all that is wrong with it."""
    if len(raw) > MAX_EVENT_BYTES:
        return too_large(len(raw))
    fields = parse_object(raw)
    if isinstance(fields, Fault):
        return Refusal((fields,))
    name_fault = _event_name_fault(fields)
    event_type = _type_meant(fields.get("event"))
    normalised = _normalise(fields, event_type)
    envelope, data = rules_of(event_type)
    faults = [] if name_fault is None else [name_fault]
    faults += _field_faults(normalised, envelope, data)
    faults += _content_id_faults(normalised, event_type, catalogue, now_ms)
    faults += [
        Fault(OUT_OF_RANGE, path, f"{path}: NaN and infinity are no values")
        for path in _not_finite(normalised, "")
        if all(fault.field != path for fault in faults)
    ]
    time = _time_or_faults(normalised, sent_at, now_ms)
    if isinstance(time, list):
        known = {fault.field for fault in faults}
        faults += [fault for fault in time if fault.field not in known]
    if faults or isinstance(time, list):
        return Refusal(tuple(sorted(faults, key=_rule_of)))
    event = cast(Event, msgspec.convert(normalised, event_type))
    rewritten = msgspec.json.encode(normalised) if normalised != fields else None
    timestamp_ms, adjusted = time
    return CheckedEvent(
        raw,
        event,
        values_of(event),
        event.data,
        KIND_OF[event_type],
        timestamp_ms,
        adjusted,
        rewritten,
        False,
    )


def parse_object(raw: bytes) -> dict[str, Any] | Fault:
    """The JSON object in ``raw``, NaN and infinity included, or why there is none."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return Fault(MALFORMED, "", f"the event is not UTF-8: {error.reason} at byte {error.start}")
    try:
        value = json.loads(text, parse_int=_integer)
        text_again = json.dumps(value, ensure_ascii=False)
        text_again.encode()
    except UnicodeEncodeError:
        return Fault(MALFORMED, "", "the event has half a surrogate pair in a string")
    except RecursionError:
        return Fault(MALFORMED, "", f"the event is nested over {MAX_NESTING} levels deep")
    except ValueError as error:
        return Fault(MALFORMED, "", f"the event is not JSON: {error}")
    if not isinstance(value, dict):
        return Fault(MALFORMED, "", f"expected a JSON object, got {kind_of(value)}")
    if _deeper_than(value, MAX_NESTING):
        return Fault(MALFORMED, "", f"the event is nested over {MAX_NESTING} levels deep")
    return value


def _integer(digits: str) -> int | float:
    """An integer; one past every double is infinite, like a fraction or a power of that size."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def too_large(size_bytes: int) -> Refusal:
    """The refusal of an event of ``size_bytes``."""
    message = f"the event has {size_bytes} bytes; at most {MAX_EVENT_BYTES} are taken"
    return Refusal((Fault(TOO_LARGE, "", message),))


def _rule_of(fault: Fault) -> int:
    """The place of a fault's rule in the contract; equal ones keep the order they were found in."""
    if fault.reason in (MISSING_FIELD, INVALID_TYPE):
        return 1 if fault.field in _IDENTIFIERS and fault.message.endswith("characters") else 0
    return _RULE_ORDER.get(fault.reason, 4)


def _event_name_fault(fields: Mapping[str, Any]) -> Fault | None:
    name = fields.get("event")
    if name is None:
        return Fault(MISSING_FIELD, "event", "event: the event type is required")
    if not isinstance(name, str):
        return Fault(INVALID_TYPE, "event", f"event: expected a string, got {kind_of(name)}")
    if name in EVENT_TYPES:
        return None
    spelling = known_spelling(name)
    if spelling is not None:
        return Fault(INVALID_TYPE, "event", f"event: {name!r} is spelt {spelling!r}")
    if not EVENT_NAME.fullmatch(name):
        return Fault(
            INVALID_TYPE,
            "event",
            f"event: {name[:80]!r} is no event name; expected a letter and up to 63 of "
            "A-Z a-z 0-9 _ . : -",
        )
    return None


def _type_meant(name: Any) -> type[Envelope]:
    """The type to judge the other fields by, also where the name itself is at fault.

    A known name in another case says what is meant. Of any other name that is at fault, only what
    holds for every event can be judged.
    """
    spelling = known_spelling(name) if isinstance(name, str) else None
    return EVENT_TYPES[spelling] if spelling is not None else CustomEvent


def _normalise(fields: dict[str, Any], event_type: type) -> dict[str, Any]:
    """The event with every field where the contract has it; null is the same as absent."""
    normalised = dict(fields)
    data = fields.get("data")
    if data is not None and not isinstance(data, dict):
        return normalised
    moved = dict(data or {})
    if event_type is EVENT_TYPES["swipe"]:
        if moved.get("toContentId") is None and normalised.get("toContentId") is None:
            if normalised.get("contentId") is not None:
                moved["toContentId"] = normalised["contentId"]
        for source in (moved, normalised):
            seconds = source.pop("watchTimeOnFrom", None)
            if seconds is not None and moved.get("watchTime") is None:
                moved["watchTime"] = seconds
    _, rules = rules_of(event_type)
    for rule in rules:
        if moved.get(rule.name) is None and rule.required and normalised.get(rule.name) is not None:
            moved[rule.name] = normalised.pop(rule.name)
        if rule.integer and isinstance(moved.get(rule.name), float):
            number = moved[rule.name]
            if number.is_integer():
                moved[rule.name] = int(number)
    if data is not None or moved:
        normalised["data"] = moved
    return normalised


def _field_faults(
    fields: Mapping[str, Any], envelope: tuple[FieldRule, ...], data: tuple[FieldRule, ...]
) -> list[Fault]:
    faults = []
    values = fields.get("data")
    data_is_object = values is None or isinstance(values, dict)
    required_first = sorted(
        [("", rule, fields) for rule in envelope]
        + [("data.", rule, values or {}) for rule in data if data_is_object],
        key=lambda entry: not entry[1].required,
    )
    if not data_is_object:
        faults.append(
            Fault(INVALID_TYPE, "data", f"data: expected an object, got {kind_of(values)}")
        )
    for path, rule, source in required_first:
        value = source.get(rule.name)
        if value is not None:
            fault = rule.fault(path + rule.name, value, kind_of(value))
            if fault is not None:
                faults.append(fault)
        elif rule.required:
            faults.append(
                Fault(
                    MISSING_FIELD,
                    path + rule.name,
                    f"{path}{rule.name}: required by this event type; expected {rule.expected}",
                )
            )
    return faults


def _content_id_faults(
    fields: Mapping[str, Any], event_type: type, catalogue: Catalogue | None, now_ms: int
) -> list[Fault]:
    data = fields.get("data")
    candidates = [("contentId", fields.get("contentId"))]
    if event_type is EVENT_TYPES["swipe"] and isinstance(data, dict):
        candidates += [
            (f"data.{name}", data.get(name)) for name in ("fromContentId", "toContentId")
        ]
    faults = []
    for path, value in candidates:
        if not isinstance(value, str):
            continue
        if not CONTENT_ID.fullmatch(value):
            message = f"{value[:80]!r} is no content id; expected 1 to 128 of A-Z a-z 0-9 . _ : -"
            faults.append(Fault(INVALID_CONTENT_ID, path, f"{path}: {message}"))
        elif catalogue is not None and not catalogue.knows(value, now_ms):
            message = f"{value!r} is not in the content catalogue; publish a content before it is"
            faults.append(Fault(UNKNOWN_CONTENT, path, f"{path}: {message} played"))
    return faults


def _time_or_faults(
    fields: Mapping[str, Any], sent_at: str | None, now_ms: int
) -> tuple[int, bool] | list[Fault]:
    sent = fields.get("sentAt")
    own = (fields.get("timestamp"), sent_at if sent is None else sent)
    texts = [value if isinstance(value, str) else None for value in own]
    return event_time(texts[0], texts[1], now_ms)


def _not_finite(value: Any, path: str) -> list[str]:
    if isinstance(value, float):
        return [] if value - value == 0 else [path]
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        return [found for key, item in value.items() for found in _not_finite(item, prefix + key)]
    if isinstance(value, list):
        return [
            found for i, item in enumerate(value) for found in _not_finite(item, f"{path}[{i}]")
        ]
    return []


def _deeper_than(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value)
    return False


def kind_of(value: Any) -> str:
    """A JSON value as a person would name it, shortened: ``"fast" (string)``."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, bool):
        return f"{str(value).lower()} (boolean)"
    if isinstance(value, str):
        return f"{value[:40]!r} (string)"
    return f"{str(value)[:40]} (number)"
