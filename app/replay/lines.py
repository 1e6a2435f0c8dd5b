"""What a replay needs to know about one line: its key, its time, whether it is JSON at all."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from models.errors import OperatorError
from models.events import partition_key
from models.explanation import parse_object
from models.timestamps import format_timestamp, parse_timestamp_ms
from models.validation import read_event
from models.verdicts import CheckedEvent, Fault

MAX_LINES_BEFORE_A_TIME = 100_000

_KEY_FIELDS = ("sessionId", "deviceId", "userId", "contentId")
_TIME_FIELDS = ("timestamp", "sentAt")

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Line(Struct):
    """One line of a recording.

    ``key`` is the partition key, None where the line names nobody; ``time_ms`` the event's own
    time, None where it has none. ``is_object`` says that the line is a JSON object by the strict
    rules, so that it can stand in a batch.
    """

    raw: bytes
    key: str | None
    time_ms: int | None
    is_object: bool


def read_line(raw: bytes) -> Line:
    """Read the key and the time off one line, valid event or not."""
    # At server time 0 no event is too old, so only the event's own faults refuse it here.
    checked = read_event(raw, 0)
    if isinstance(checked, CheckedEvent):
        event = checked.event
        is_object = checked.normalised is None or _is_strict_object(raw)
        return Line(raw, partition_key(event), _time_ms(event.timestamp), is_object)
    fields = parse_object(raw)
    if isinstance(fields, Fault):
        return Line(raw, None, None, False)
    key = next((fields[name] for name in _KEY_FIELDS if _is_key(fields.get(name))), None)
    return Line(raw, key, _time_ms(fields.get("timestamp")), _is_strict_object(raw))


def with_times(lines: Iterable[Line]) -> Iterator[Line]:
    """The same lines, each with a time: one without gets that of the line before.

    Those ahead of the first line with a time get the time of that one.

    Raises:
        OperatorError: no line has a time.
    """
    waiting: list[Line] = []
    time_ms: int | None = None
    for line in lines:
        if line.time_ms is not None:
            time_ms = line.time_ms
        if time_ms is None:
            waiting.append(line)
            if len(waiting) > MAX_LINES_BEFORE_A_TIME:
                break
            continue
        for earlier in waiting:
            earlier.time_ms = time_ms
            yield earlier
        waiting.clear()
        line.time_ms = time_ms
        yield line
    if waiting:
        raise OperatorError(f"none of the first {len(waiting)} lines has a timestamp")


def shifted(line: Line, by_ms: int) -> Line:
    """The line with its ``timestamp`` and ``sentAt`` moved; what has no time stays as it is."""
    if not line.is_object or line.time_ms is None:
        return line
    fields = _decode_object(line.raw)
    for name in _TIME_FIELDS:
        moved = _moved(fields.get(name), by_ms)
        if moved is not None:
            fields[name] = moved
    return Line(msgspec.json.encode(fields), line.key, line.time_ms + by_ms, True)


def _moved(written: msgspec.Raw | None, by_ms: int) -> msgspec.Raw | None:
    if written is None:
        return None
    time_ms = _time_ms(msgspec.json.decode(written))
    if time_ms is None:
        return None
    return msgspec.Raw(msgspec.json.encode(format_timestamp(time_ms + by_ms)))


def _time_ms(written: Any) -> int | None:
    """Milliseconds since 1970; None where there is no time, or one that Kafka cannot hold."""
    time_ms = parse_timestamp_ms(written) if isinstance(written, str) else None
    return time_ms if time_ms is not None and time_ms >= 0 else None


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_strict_object(raw: bytes) -> bool:
    try:
        raw.decode()
        _decode_object(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
