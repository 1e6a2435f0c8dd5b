"""What is read off a typed event."""

from typing import Any

import pytest

from models.event_kinds import KIND_OF, LABEL_OF, subject_id
from models.events import Event, partition_key
from models.validation import read_event
from models.verdicts import CheckedEvent
from tests.unit.models.samples import MINIMAL, NOW_MS, encode, minimal


def typed(fields: dict[str, Any]) -> Event:
    checked = read_event(encode(fields), NOW_MS)
    assert isinstance(checked, CheckedEvent)
    return checked.event


@pytest.mark.parametrize("name", sorted(MINIMAL))
def test_label_is_the_known_name_or_custom(name: str) -> None:
    label = LABEL_OF[KIND_OF[type(typed(minimal(name)))]]
    assert label == ("custom" if name == "app.opened" else name)


def test_subject_is_the_content_and_of_a_swipe_the_one_left() -> None:
    like, swipe = (typed(minimal(n, contentId="clip-9")) for n in ("like", "swipe"))
    assert subject_id(like, KIND_OF[type(like)]) == "clip-9"
    assert subject_id(swipe, KIND_OF[type(swipe)]) == "clip-1"


@pytest.mark.parametrize("name", ["like", "swipe", "app.opened"])
def test_partition_key_is_the_narrowest_of_who_and_what(name: str) -> None:
    names = {"sessionId": "s", "deviceId": "d", "userId": "u"}
    assert partition_key(typed(minimal(name, **names))) == "s"
    del names["sessionId"]
    assert partition_key(typed(minimal(name, **names))) == "d"
    del names["deviceId"]
    assert partition_key(typed(minimal(name, **names))) == "u"
    assert partition_key(typed(minimal(name, contentId="clip-9"))) == "clip-9"


def test_partition_key_of_a_swipe_that_names_nobody_and_no_content_is_the_content_left() -> None:
    assert partition_key(typed(minimal("swipe", contentId=None))) == "clip-1"
