"""Tells the plain events, which is nearly all, from those that need a second look.

The decoder skips the fields it does not know, and of a name that stands twice it takes the last. An
event in which neither can be has nothing in it that was not looked at.
"""

from typing import Any, Final

import msgspec
from mypy_extensions import i64

from models.event_kinds import CUSTOM_EVENT

values_of: Final = msgspec.structs.astuple
"""The fields of an event, those of the envelope first and ``data`` last."""
CLOSING: Final = ord("}")
_WHITE_SPACE: Final = b" \t\n\r"


def is_plain(raw: bytes, kind: int, values: tuple[Any, ...]) -> bool:
    """Whether ``raw``, which was decoded as an event of this kind with these values, names the
    contract's own fields, none of them null, once each and nothing else.

    The fields that the event has call for so many quotes, around names and texts; a name besides,
    and a quote inside a text, is one more. Sure of every yes; of no no.
    """
    quotes: i64 = 0
    for value in values:
        if value is not None:
            quotes += 4 if isinstance(value, str) else 2
    if kind != CUSTOM_EVENT:
        # The decoder takes the event's name itself.
        quotes += 4
    data = values[-1]
    if data is not None:
        for value in values_of(data):
            if value is not None:
                quotes += 4 if isinstance(value, str) else 2
    return raw.count(b'"') == quotes


def most_names(raw: bytes) -> int:
    """So many names are in a JSON text at most, at any depth.

    Without white space every name ends in a quote and a colon; texts may have some more of these.
    """
    return raw.translate(None, _WHITE_SPACE).count(b'":')
