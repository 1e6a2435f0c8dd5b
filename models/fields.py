"""The rules of each event field, read off the typed messages for the explanations."""

from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from models.verdicts import INVALID_TYPE, OUT_OF_RANGE, Fault


class FieldRule:
    """What one field may hold."""

    __slots__ = ("_types", "_unit", "expected", "integer", "name", "required")

    def __init__(self, field: inspect.Field) -> None:
        kind = field.type
        self._unit = ""
        if isinstance(kind, inspect.Metadata):
            self._unit = f" {(kind.extra_json_schema or {}).get('description', '')}"
            kind = kind.type
        types = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
        self.name = field.encode_name
        self.required = field.required
        self._types = tuple(t for t in types if not isinstance(t, inspect.NoneType))
        self.integer = isinstance(self._types[0], inspect.IntType)
        self.expected = " or ".join(_describe(t) for t in self._types) + self._unit

    def fault(self, path: str, value: Any, shown: str) -> Fault | None:
        """What is wrong with ``value``, which is not null, at ``path``."""
        verdicts = [_violation(t, value) for t in self._types]
        if None in verdicts:
            return None
        reason = OUT_OF_RANGE if OUT_OF_RANGE in verdicts else INVALID_TYPE
        if isinstance(self._types[0], inspect.StrType) and isinstance(value, str):
            return Fault(
                reason, path, f"{path}: has {len(value)} characters; expected 1 to 128 characters"
            )
        return Fault(reason, path, f"{path}: expected {self.expected}, got {shown}")


@cache
def rules_of(event_type: type) -> tuple[tuple[FieldRule, ...], tuple[FieldRule, ...]]:
    """The rules of an event type's envelope fields and of its ``data`` fields."""
    info = inspect.type_info(event_type)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{event_type} is no event type")
    envelope = tuple(FieldRule(f) for f in info.fields if f.encode_name not in ("data", "event"))
    data: tuple[FieldRule, ...] = ()
    for field in info.fields:
        if field.encode_name == "data":
            types = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
            for kind in types:
                if isinstance(kind, inspect.StructType):
                    data = tuple(FieldRule(f) for f in kind.fields)
    return envelope, data


def _violation(kind: inspect.Type, value: Any) -> str | None:
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        wanted = int if isinstance(kind, inspect.IntType) else int | float
        if isinstance(value, float) and value - value != 0:
            return OUT_OF_RANGE
        if isinstance(value, bool) or not isinstance(value, wanted):
            return INVALID_TYPE
        too_low = kind.ge is not None and value < kind.ge
        too_high = kind.le is not None and value > kind.le
        return OUT_OF_RANGE if too_low or too_high else None
    if isinstance(kind, inspect.BoolType):
        return None if isinstance(value, bool) else INVALID_TYPE
    if isinstance(kind, inspect.LiteralType):
        return None if value in kind.values else INVALID_TYPE
    if isinstance(kind, inspect.StrType):
        fits = isinstance(value, str) and (
            kind.max_length is None or 1 <= len(value) <= kind.max_length
        )
        return None if fits else INVALID_TYPE
    raise msgspec.ValidationError(f"no rule for {kind}")


def _describe(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        noun = "an integer" if isinstance(kind, inspect.IntType) else "a number"
        return noun if kind.ge is None else f"{noun} from {kind.ge} to {kind.le}"
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.LiteralType):
        return f"one of {', '.join(map(str, kind.values))}"
    return "a string"
