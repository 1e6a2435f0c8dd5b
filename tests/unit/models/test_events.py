"""What is read off a typed event."""

from typing import Any

import pytest

from models.event_kinds import LABEL_OF
from models.events import Event, partition_key
from models.explanation import explain
from models.validation import read_event
from models.verdicts import CheckedEvent
from tests.unit.models.samples import MINIMAL, NOW_MS, encode, minimal


def read(fields: dict[str, Any]) -> CheckedEvent:
    checked = read_event(encode(fields), NOW_MS)
    assert isinstance(checked, CheckedEvent)
    return checked


def typed(fields: dict[str, Any]) -> Event:
    return read(fields).event


@pytest.mark.parametrize("name", sorted(MINIMAL))
def test_label_is_the_known_name_or_custom(name: str) -> None:
    label = LABEL_OF[read(minimal(name)).kind]
    assert label == ("custom" if name == "app.opened" else name)


def test_subject_is_the_content_and_of_a_swipe_the_one_left() -> None:
    like, swipe = (read(minimal(n, contentId="clip-9")) for n in ("like", "swipe"))
    assert like.content_id == "clip-9"
    assert swipe.content_id == "clip-1"
    assert read(minimal("app.opened")).content_id == minimal("app.opened")["contentId"]


@pytest.mark.parametrize("name", sorted(MINIMAL))
def test_attributes_are_the_fields_of_the_event(name: str) -> None:
    named = {
        **{"sessionId": "s", "deviceId": "d", "userId": "u", "platform": "p", "country": "c"},
        **{"networkType": "n", "cdn": "e", "appVersion": "a"},
    }
    fields = minimal(name, **named)
    for checked in (read(fields), explain(encode(fields), NOW_MS, None)):
        assert isinstance(checked, CheckedEvent)
        assert (checked.session_id, checked.device_id, checked.user_id) == ("s", "d", "u")
        assert checked.context == ("p", "c", "n", "e", "a")
        assert checked.data == checked.event.data


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
