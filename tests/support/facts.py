"""What objects of the state hold, in a form to compare and to read."""

from typing import Any

import msgspec

_PLAIN = (str, int, float, bool, bytes, type(None))


def facts(value: object) -> Any:
    """The fields of an object by name, and of what they hold likewise."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return {key: facts(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [facts(entry) for entry in value]
    # A compiled class names its attributes elsewhere.
    kind: Any = type(value)
    names = getattr(kind, "__mypyc_attrs__", None) or kind.__slots__
    return {name: facts(getattr(value, name)) for name in names if not name.startswith("__")}
