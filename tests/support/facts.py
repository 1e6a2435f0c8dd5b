"""What objects of the state hold, in a form to compare and to read."""

from collections.abc import Collection
from typing import Any

import msgspec

NOT_SAVED = frozenset(
    {
        "due_ms",
        "first_mark",
        "left",
        "partition",
        "saved_in",
        "saved_marks",
        "touched",
        "unwritten",
        "whole",
    }
)
"""What viewers and views have that is no part of their state: it serves timers and checkpoints."""

_PLAIN = (str, int, float, bool, bytes, type(None))


def facts(value: object, left_out: Collection[str] = ()) -> Any:
    """The fields of an object by name, and of what they hold likewise, but for some names."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if isinstance(value, dict) and value and all(isinstance(key, int) for key in value):
        # Numbered from anywhere on.
        return [facts(value[key], left_out) for key in sorted(value)]
    if isinstance(value, dict):
        return {key: facts(entry, left_out) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [facts(entry, left_out) for entry in value]
    kind: Any = type(value)
    # A compiled class names its attributes elsewhere.
    names = getattr(kind, "__mypyc_attrs__", None) or kind.__slots__
    return {
        name: facts(getattr(value, name), left_out)
        for name in names
        if name not in left_out and not name.startswith("__")
    }
