"""Tells the plain events, which is nearly all, from those that need a second look.

The decoder skips the fields it does not know, and of a name that stands twice it takes the last. An
event in which neither can be has nothing in it that was not looked at.
"""

from typing import Final

import msgspec

from models.events import CustomEvent, Event

_values_of: Final = msgspec.structs.astuple
_WHITE_SPACE: Final = b" \t\n\r"


def is_plain(raw: bytes, event: Event) -> bool:
    """Whether ``raw``, which was decoded as ``event``, names the contract's own fields, none of
    them null, once each and nothing else.

    Without a backslash quotes stand around names and texts alone; so where there are just those
    that the fields of the event call for, there is no other name. Sure of every yes; of no no.
    """
    values = _values_of(event)
    quotes = 0
    for value in values:
        if value is not None:
            quotes += 4 if isinstance(value, str) else 2
    if type(event) is not CustomEvent:
        # The decoder takes the event's name itself.
        quotes += 4
    data = event.data
    if data is not None:
        for value in _values_of(data):
            if value is not None:
                quotes += 4 if isinstance(value, str) else 2
    return raw.count(b'"') == quotes and raw.find(b"\\") < 0


def most_names(raw: bytes) -> int:
    """So many names are in a JSON text at most, at any depth.

    Without white space every name ends in a quote and a colon; texts may have some more of these.
    """
    return raw.translate(None, _WHITE_SPACE).count(b'":')
