"""Other accepted spellings, and how they are written down for what follows."""

import json
from typing import Any

import pytest

from models.events import Event, Share, Swipe
from models.explanation import explain, kind_of, parse_object
from models.validation import read_event
from models.verdicts import MALFORMED, CheckedEvent, Fault, Refusal
from tests.unit.models.samples import NOW_MS, encode, minimal, with_data


def accepted(fields: dict[str, Any]) -> tuple[Event, dict[str, Any] | None]:
    checked = read_event(encode(fields), NOW_MS)
    assert isinstance(checked, CheckedEvent)
    return checked.event, None if checked.normalised is None else json.loads(checked.normalised)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(
            {"contentId": "b", "data": {"fromContentId": "a", "watchTimeOnFrom": 3.5}},
            id="contentId is the target",
        ),
        pytest.param(
            {"contentId": "b", "fromContentId": "a", "watchTimeOnFrom": 3.5},
            id="all at the top level, target in contentId",
        ),
        pytest.param(
            {"fromContentId": "a", "toContentId": "b", "watchTime": 3.5},
            id="all at the top level",
        ),
        pytest.param(
            {"toContentId": "b", "data": {"fromContentId": "a", "watchTime": 3.5}},
            id="some here, some there",
        ),
        pytest.param(
            {
                "watchTimeOnFrom": 9,
                "data": {"fromContentId": "a", "toContentId": "b", "watchTime": 3.5},
            },
            id="watchTime goes before watchTimeOnFrom",
        ),
        pytest.param(
            {
                "contentId": "c",
                "data": {
                    "fromContentId": "a",
                    "toContentId": "b",
                    "watchTime": None,
                    "watchTimeOnFrom": 3.5,
                },
            },
            id="toContentId goes before contentId",
        ),
    ],
)
def test_spellings_of_a_swipe(fields: dict[str, Any]) -> None:
    event, normalised = accepted({"event": "swipe", **fields})
    assert isinstance(event, Swipe)
    explained = explain(encode({"event": "swipe", **fields}), NOW_MS, None)
    assert isinstance(explained, CheckedEvent)
    assert explained.event == event
    data = event.data
    assert (data.from_content_id, data.to_content_id, data.watch_time) == ("a", "b", 3.5)
    if normalised is not None:
        assert normalised["data"] == {"fromContentId": "a", "toContentId": "b", "watchTime": 3.5}
        assert not {"watchTimeOnFrom", "watchTime", "fromContentId"} & set(normalised)
        assert normalised.get("contentId") == fields.get("contentId")


def test_swipe_to_a_target_that_is_no_content_id_is_refused_at_its_place() -> None:
    raw = encode({"event": "swipe", "contentId": "b c", "fromContentId": "a", "watchTime": 1})
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, Refusal)
    assert [fault.field for fault in checked.faults] == ["contentId", "data.toContentId"]


@pytest.mark.parametrize("data", [None, {}, {"platform": None}])
def test_share_reads_its_target_at_the_top_where_data_has_none(data: Any) -> None:
    event, normalised = accepted(minimal("share", data=data, platform="sms", country="NO"))
    assert isinstance(event, Share)
    assert (event.data.platform, event.platform, event.country) == ("sms", None, "NO")
    assert normalised == {
        "event": "share",
        "contentId": "clip-1",
        "country": "NO",
        "data": {"platform": "sms"},
    }


def test_platform_beside_the_target_of_a_share_is_context() -> None:
    event, normalised = accepted(minimal("share", platform="ios"))
    assert isinstance(event, Share)
    assert (event.data.platform, event.platform) == ("whatsapp", "ios")
    assert normalised is None


def test_top_level_fields_move_into_data_and_the_rest_stays() -> None:
    fields = {
        "event": "rebuffer",
        "contentId": "a",
        "duration": 1500.0,
        "rendition": "720p",
        "data": {"currentTime": 2.5, "note": [1, {"x": None}]},
    }
    event, normalised = accepted(fields)
    assert (
        event
        == accepted(
            minimal(
                "rebuffer",
                contentId="a",
                data={
                    "duration": 1500,
                    "currentTime": 2.5,
                },
            )
        )[0]
    )
    assert normalised == {
        "event": "rebuffer",
        "contentId": "a",
        "rendition": "720p",
        "data": {"currentTime": 2.5, "note": [1, {"x": None}], "duration": 1500},
    }


def test_contract_spelling_is_not_rewritten() -> None:
    for name in ("playStart", "swipe", "share", "app.opened"):
        assert accepted(minimal(name))[1] is None
    assert accepted(with_data("playStart", rendition=None, autoplay=None))[1] is None


def test_same_event_in_either_spelling_is_the_same() -> None:
    top = {"event": "watchProgress", "contentId": "clip-1", "currentTime": 5.25, "duration": 30.0}
    assert accepted(top)[0] == accepted(minimal("watchProgress"))[0]


def test_parsed_object_keeps_numbers_that_json_has_no_word_for() -> None:
    fields = parse_object(b'{"a":NaN,"b":-Infinity,"c":123456789012345678901234567890}')
    assert isinstance(fields, dict)
    assert str(fields["a"]) == "nan"
    assert (fields["b"], fields["c"]) == (float("-inf"), 123456789012345678901234567890)


@pytest.mark.parametrize(
    ("raw", "story"),
    [
        (b"\xff{}", "the event is not UTF-8: invalid start byte at byte 0"),
        (b'"\\ud800"', "the event has half a surrogate pair in a string"),
        (b"[1]", "expected a JSON object, got an array"),
        (b"null", "expected a JSON object, got null"),
        (b"[" * 50_000, "the event is nested over 32 levels deep"),
        (b'{"a":' * 40 + b"0" + b"}" * 40, "the event is nested over 32 levels deep"),
    ],
)
def test_why_there_is_no_object(raw: bytes, story: str) -> None:
    assert parse_object(raw) == Fault(MALFORMED, "", story)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        ({"a": 1}, "an object"),
        ([1], "an array"),
        (False, "false (boolean)"),
        ("fast", "'fast' (string)"),
        ("x" * 99, f"'{'x' * 40}' (string)"),
        (1.5, "1.5 (number)"),
        (10**99, f"1{'0' * 39} (number)"),
    ],
)
def test_value_named_as_a_person_would(value: Any, name: str) -> None:
    assert kind_of(value) == name
