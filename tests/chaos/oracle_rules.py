"""Which records of the raw topic are events, and why the others are not: the oracle's own view.

Written from the contract, for what a chaos run sends; it shares no code with the product.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

TYPES: dict[str, dict[str, tuple[str, float]]] = {
    "impression": {"position": ("integer", 1e15)},
    "playStart": {"startupTime": ("integer", 600_000)},
    "watchProgress": {"currentTime": ("number", 1e6), "duration": ("number", 1e6)},
    "completion": {"watchTime": ("number", 1e6), "looped": ("boolean", 0)},
    "swipe": {
        "fromContentId": ("content", 0),
        "toContentId": ("content", 0),
        "watchTime": ("number", 1e6),
    },
    "like": {},
    "save": {},
    "share": {"platform": ("string", 0)},
    "rebuffer": {"duration": ("integer", 3_600_000), "currentTime": ("number", 1e6)},
    "qualityChange": {"fromQuality": ("string", 0), "toQuality": ("string", 0)},
    "error": {"errorCode": ("any", 0), "errorMessage": ("string", 0)},
}
"""Required fields by type, with the largest value allowed."""

MAX_BYTES = 64 << 10
MAX_LEVELS = 32
DAY_MS = 86_400_000
AHEAD_MS = 300_000

_ORDER = ("missing_field", "invalid_type", "invalid_content_id", "out_of_range", "too_old")
_CONTENT = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}")


class RefusedError(Exception):
    """A record is no event; the message is the reason."""


def read_event(value: bytes, server_ms: int) -> tuple[dict[str, Any], int, bool]:
    """The event, when it happened (ms since 1970), and whether that was adjusted.

    Raises:
        RefusedError: it is none.
    """
    if len(value) > MAX_BYTES:
        raise RefusedError("too_large")
    infinite: list[str] = []
    try:
        event = json.loads(value.decode(), parse_constant=infinite.append)
    except (ValueError, RecursionError):
        raise RefusedError("malformed") from None
    if not isinstance(event, dict) or _levels(event) > MAX_LEVELS:
        raise RefusedError("malformed")
    faults = {"out_of_range"} if infinite else set()
    faults |= _faults(event)
    at_ms = server_ms
    if "timestamp" in event:
        parsed = _parse(event["timestamp"])
        if parsed is None:
            faults.add("invalid_type")
        else:
            at_ms = parsed
            if at_ms < server_ms - DAY_MS:
                faults.add("too_old")
    for reason in _ORDER:
        if reason in faults:
            raise RefusedError(reason)
    if at_ms > server_ms + AHEAD_MS:
        return event, server_ms, True
    return event, at_ms, False


def _faults(event: dict[str, Any]) -> set[str]:
    name = event.get("event")
    if name is None:
        return {"missing_field"}
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return {"invalid_type"}
    if name not in TYPES and name.lower() in {known.lower() for known in TYPES}:
        return {"invalid_type"}
    faults = set()
    required = dict(TYPES.get(name, {}))
    data = event.get("data") or {}
    if name != "swipe":
        faults.add(_fault(("content", 0), event.get("contentId")))
    for field, rule in required.items():
        faults.add(_fault(rule, data.get(field, event.get(field))))
    for field in ("eventId", "sessionId", "deviceId", "userId"):
        text = event.get(field)
        if text is not None and not (isinstance(text, str) and 1 <= len(text) <= 128):
            faults.add("invalid_type")
    return faults - {""}


def _fault(rule: tuple[str, float], value: Any) -> str:
    """What is wrong with the value of a required field; nothing: an empty string."""
    kind, most = rule
    if value is None:
        return "missing_field"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("integer", "number"):
        if not is_number or (kind == "integer" and not float(value).is_integer()):
            return "invalid_type"
        return "" if 0 <= value <= most else "out_of_range"
    if kind == "boolean":
        return "" if isinstance(value, bool) else "invalid_type"
    if kind == "any":
        return ""
    if not isinstance(value, str):
        return "invalid_type"
    return "" if kind == "string" or _CONTENT.fullmatch(value) else "invalid_content_id"


def _levels(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_levels, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_levels, value), default=0)
    return 0


def _parse(text: Any) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def iso(ms: int) -> str:
    """A moment as the topics write it."""
    moment = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{ms % 1000:03d}Z"
