"""The slow way into a batch whose body is not all strict JSON: where does each event begin and end?

NaN, infinity and too deep nesting are faults of the one event that holds them. The events are cut
out of the body as they were sent; each then meets its own validation.
"""

import json
import re

# Integers as floats, so that their number of digits is no error here.
_scan = json.JSONDecoder(parse_int=float).raw_decode
_space = re.compile(r"[ \t\n\r]*").match

# Possessive, and a string may end with the text, so no text takes more than one pass.
_NESTING = re.compile(r'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)|[\[{]++|[\]}]++', re.DOTALL)


class NotAnEnvelopeError(ValueError):
    """It is no object with a list of events."""


def cut_batch(text: str) -> tuple[list[str], str]:
    """The JSON texts of the events, and that of ``sentAt``, ``null`` where there is none.

    Raises:
        NotAnEnvelopeError: it is no ``{"events": […]}``.
        ValueError: it is no JSON.
    """
    try:
        members, end = _members(text, _skip_space(text, 0))
        if _skip_space(text, end) != len(text):
            raise ValueError(f"extra data at character {end}")
        events = members.get("events", "")
        if not events.startswith("["):
            raise NotAnEnvelopeError
        return _items(events), members.get("sentAt", "null")
    except IndexError:
        raise ValueError("it ends too early") from None


def _members(text: str, place: int) -> tuple[dict[str, str], int]:
    """The members of an object as texts, the last of a name counts; and the place after it."""
    if text[place] != "{":
        raise NotAnEnvelopeError
    members: dict[str, str] = {}
    place = _skip_space(text, place + 1)
    while text[place] != "}":
        name, place = _scan(text, place)
        place = _skip_space(text, place)
        if not isinstance(name, str) or text[place] != ":":
            raise ValueError(f"expected a name and a colon before character {place}")
        value_at = _skip_space(text, place + 1)
        place = _end_of_value(text, value_at)
        members[name] = text[value_at:place]
        place = _next(text, place, "}")
    return members, place + 1


def _items(text: str) -> list[str]:
    """The items of an array as texts."""
    items: list[str] = []
    place = _skip_space(text, 1)
    while text[place] != "]":
        end = _end_of_value(text, place)
        items.append(text[place:end])
        place = _next(text, end, "]")
    return items


def _end_of_value(text: str, start: int) -> int:
    try:
        return _scan(text, start)[1]
    except RecursionError:
        return _end_of_nested(text, start)


def _end_of_nested(text: str, start: int) -> int:
    """The end of a value that is nested too deeply to be parsed: where its brackets are closed."""
    depth = 0
    for match in _NESTING.finditer(text, start):
        sign, length = text[match.start()], match.end() - match.start()
        if sign in "[{":
            depth += length
        elif sign in "]}":
            if length >= depth:
                return match.start() + depth
            depth -= length
    raise ValueError("it is nested deeply and ends too early")


def _next(text: str, place: int, end: str) -> int:
    """The place of the next item, past a comma, or of the ``end``."""
    place = _skip_space(text, place)
    if text[place] == ",":
        place = _skip_space(text, place + 1)
        if text[place] != end:
            return place
    elif text[place] == end:
        return place
    raise ValueError(f"expected a comma or {end} before character {place}")


def _skip_space(text: str, place: int) -> int:
    match = _space(text, place)
    return place if match is None else match.end()
