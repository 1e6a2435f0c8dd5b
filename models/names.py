"""The spelling of content ids and event names."""

import re
from typing import Final

from models.events import EVENT_TYPES

MAX_CONTENT_ID: Final = 128
CONTENT_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{MAX_CONTENT_ID}}}")
EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}")

_BY_LOWER_CASE = {name.lower(): name for name in EVENT_TYPES}


def known_spelling(name: str) -> str | None:
    """The known event name that ``name`` equals but for the case of its letters, if any."""
    return _BY_LOWER_CASE.get(name.lower())


def is_custom_name(name: str) -> bool:
    """Whether ``name`` may be the name of an app's own event."""
    return EVENT_NAME.fullmatch(name) is not None and known_spelling(name) is None
