"""The rules of the fields, as they are read off the typed messages."""

import pytest

from models.events import CustomEvent, Like, PlaybackError, PlayStart
from models.fields import rules_of


def test_rules_of_an_event_type() -> None:
    envelope, data = rules_of(PlayStart)
    assert [(rule.name, rule.required) for rule in envelope][:2] == [
        ("contentId", True),
        ("eventId", False),
    ]
    assert [(rule.name, rule.required, rule.integer) for rule in data] == [
        ("startupTime", True, True),
        ("rendition", False, False),
        ("codec", False, False),
        ("autoplay", False, False),
    ]
    assert data[0].expected == "an integer from 0 to 600000 in milliseconds"


@pytest.mark.parametrize("event_type", [Like, CustomEvent])
def test_event_type_without_fields_of_its_own_has_no_data_rules(event_type: type) -> None:
    assert rules_of(event_type)[1] == ()


def test_field_of_two_types_takes_either_and_is_no_integer() -> None:
    code = rules_of(PlaybackError)[1][0]
    assert (code.name, code.integer, code.expected) == (
        "errorCode",
        False,
        "a string or an integer",
    )
    assert code.fault("data.errorCode", "E1", "") is None
    assert code.fault("data.errorCode", 5, "") is None


def test_what_is_no_event_type_has_no_rules() -> None:
    with pytest.raises(TypeError, match="no event type"):
        rules_of(int)
