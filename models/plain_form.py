"""The plain form of events, read off the typed messages, for the C code that reads it."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from msgspec import inspect

from models.event_kinds import KIND_OF
from models.events import EVENT_TYPES, Envelope
from models.names import MAX_CONTENT_ID

if TYPE_CHECKING:
    from models.plain_events import PlainField

CONTENT_ID: Final = "c"
CHOICE: Final = "o"
DATA: Final = "d"
FLAG: Final = "f"
IDENTIFIER: Final = "i"
MOMENT: Final = "m"
NUMBER: Final = "n"
TAG: Final = "e"
TEXT: Final = "t"
WHOLE: Final = "w"

_CONTENT_IDS: Final = ("contentId", "fromContentId", "toContentId")
_MOMENTS: Final = ("timestamp", "sentAt")
_UNKNOWN_RULES: Final = ("gt", "lt", "multiple_of", "pattern")
_ANY: Final = 1e18
"""More than any text has characters, and than any number that is plain."""


def plain_reader() -> Callable[[bytes], tuple[Any, ...] | None]:
    """What reads an event that is plain: the values of the envelope in the order of its fields, the
    times in milliseconds since 1970; then ``data``, as a typed message, and the number of its kind.

    Of one that is not plain, and of every one where the core is not compiled, None.

    Raises:
        TypeError: a message has a rule that the C code does not know.
    """
    try:
        from models.plain_events import PlainReader
    except ModuleNotFoundError:
        return lambda _: None
    envelope = [_plain_field(field, needed=False) for field in _fields_of(Envelope)]
    envelope.append((b"data", DATA, 0, 0, (), False))
    envelope.append((b"event", TAG, 0, 0, (), True))
    names = [name for name, *_ in envelope]
    kinds = []
    for tag, event_type in EVENT_TYPES.items():
        fields = {field.encode_name: field for field in _fields_of(event_type)}
        needed = (names.index(name.encode()) for name, field in fields.items() if field.required)
        (data,) = _types_of(fields["data"])
        data_fields = tuple(_plain_field(field, field.required) for field in data.fields)
        kinds.append((tag.encode(), KIND_OF[event_type], tuple(needed), data.cls, data_fields))
    return PlainReader(tuple(envelope), tuple(kinds)).read


def _fields_of(message: type) -> Iterable[inspect.Field]:
    info: Any = inspect.type_info(message)
    fields: Iterable[inspect.Field] = info.fields
    return fields


def _types_of(field: inspect.Field) -> list[Any]:
    """The types that a field takes besides null."""
    kind: Any = field.type
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    types = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [found for found in types if not isinstance(found, inspect.NoneType)]


def _plain_field(field: inspect.Field, needed: bool) -> "PlainField":
    if not field.required and field.default is not None:
        raise TypeError(f"{field.encode_name}: one that is not there is read as null")
    return (field.encode_name.encode(), *_sort_and_limits(field), needed)


def _sort_and_limits(field: inspect.Field) -> tuple[str, float, float, tuple[str, ...]]:
    # Of a field that takes a text or a number, the number is not plain.
    kind = _types_of(field)[0]
    if field.encode_name in _CONTENT_IDS:
        return CONTENT_ID, 1, MAX_CONTENT_ID, ()
    if field.encode_name in _MOMENTS:
        return MOMENT, 0, 0, ()
    if isinstance(kind, inspect.BoolType):
        return FLAG, 0, 0, ()
    _refuse_unknown_rules(kind, field.encode_name)
    if isinstance(kind, inspect.LiteralType):
        return CHOICE, 0, 0, tuple(map(str, kind.values))
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        sort = WHOLE if isinstance(kind, inspect.IntType) else NUMBER
        least = 0 if kind.ge is None else kind.ge
        return sort, least, _ANY if kind.le is None else kind.le, ()
    if kind.max_length is None:
        return TEXT, 0, _ANY, ()
    return IDENTIFIER, kind.min_length or 0, kind.max_length, ()


def _refuse_unknown_rules(kind: Any, name: str) -> None:
    if not all(isinstance(value, str) for value in getattr(kind, "values", ())):
        raise TypeError(f"{name}: the reader of plain events knows texts to choose from only")
    for rule in _UNKNOWN_RULES:
        if getattr(kind, rule, None) is not None:
            raise TypeError(f"{name}: the reader of plain events has no rule {rule}")
