"""The rules that concern an event as a whole, and the order in which they decide."""

import math
from typing import Any

import pytest

from models.explanation import explain
from models.names import CONTENT_ID
from models.timestamps import format_timestamp
from models.validation import read_event
from models.verdicts import (
    INVALID_CONTENT_ID,
    INVALID_TYPE,
    MISSING_FIELD,
    OUT_OF_RANGE,
    TOO_OLD,
    CheckedEvent,
    Refusal,
)
from tests.unit.models.samples import MINIMAL, NOW_MS, encode, minimal, with_data

DAY_MS = 86_400_000
OLD = format_timestamp(NOW_MS - DAY_MS - 1)


def verdict(raw: bytes, sent_at: str | None = None) -> list[tuple[str, str]]:
    """The faults as (reason, field), which the slow path alone must find alike."""
    checked = read_event(raw, NOW_MS, sent_at)
    explained = explain(raw, NOW_MS, sent_at)
    if isinstance(checked, CheckedEvent):
        assert isinstance(explained, CheckedEvent)
        return []
    assert checked == explained
    assert checked.reason == checked.faults[0].reason
    return [(fault.reason, fault.field) for fault in checked.faults]


@pytest.mark.parametrize("name", MINIMAL)
def test_content_id_is_required_except_of_a_swipe(name: str) -> None:
    expected = [] if name == "swipe" else [(MISSING_FIELD, "contentId")]
    assert verdict(encode(minimal(name, contentId=None))) == expected
    fields = minimal(name)
    del fields["contentId"]
    assert verdict(encode(fields)) == expected


@pytest.mark.parametrize("name", MINIMAL)
@pytest.mark.parametrize("content_id", ["", "x" * 129, "a b", "a/b", "é", "a\n", "x" * 10_000])
def test_content_id_outside_the_alphabet_is_refused(name: str, content_id: str) -> None:
    raw = encode(minimal(name, contentId=content_id))
    assert verdict(raw) == [(INVALID_CONTENT_ID, "contentId")]


@pytest.mark.parametrize("field", ["fromContentId", "toContentId"])
def test_both_contents_of_a_swipe_are_checked(field: str) -> None:
    raw = encode(with_data("swipe", **{field: "a b"}))
    assert verdict(raw) == [(INVALID_CONTENT_ID, f"data.{field}")]


@pytest.mark.parametrize("content_id", ["x" * 128, "A-z_0.9:b", "7"])
def test_content_id_of_the_alphabet_is_accepted(content_id: str) -> None:
    assert verdict(encode(minimal("like", contentId=content_id))) == []


def test_content_id_takes_the_letters_that_its_pattern_has_and_no_other() -> None:
    for sign in map(chr, range(0x250)):
        accepted = verdict(encode(minimal("like", contentId=f"a{sign}b"))) == []
        assert accepted is (CONTENT_ID.fullmatch(sign) is not None), hex(ord(sign))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, [(MISSING_FIELD, "event")]),
        (5, [(INVALID_TYPE, "event")]),
        ([], [(INVALID_TYPE, "event")]),
        ("", [(INVALID_TYPE, "event")]),
        ("1st", [(INVALID_TYPE, "event")]),
        ("two words", [(INVALID_TYPE, "event")]),
        ("x" * 65, [(INVALID_TYPE, "event")]),
        ("x" * 64, []),
        ("ad.skipped", []),
        ("custom", []),
    ],
)
def test_event_name(name: Any, expected: list[tuple[str, str]]) -> None:
    assert verdict(encode({"event": name, "contentId": "a"})) == expected


@pytest.mark.parametrize("name", sorted(set(MINIMAL) - {"app.opened"}))
def test_known_name_in_another_case_is_refused_with_the_right_spelling(name: str) -> None:
    for variant in {name.upper(), name.lower(), name.capitalize(), name.swapcase()} - {name}:
        fields = {**minimal(name), "event": variant}
        assert verdict(encode(fields)) == [(INVALID_TYPE, "event")]
        checked = read_event(encode(fields), NOW_MS)
        assert isinstance(checked, Refusal)
        assert checked.faults[0].message == f"event: {variant!r} is spelt {name!r}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"event": "1st", "contentId": "a b", "sessionId": "", "timestamp": OLD, "x": math.nan},
            [
                (INVALID_TYPE, "event"),
                (INVALID_TYPE, "sessionId"),
                (INVALID_CONTENT_ID, "contentId"),
                (OUT_OF_RANGE, "x"),
                (TOO_OLD, "timestamp"),
            ],
            id="no name at all: what holds for every event",
        ),
        pytest.param(
            {"userId": 5, "sentAt": "soon", "data": [], "startupTime": -1},
            [
                (MISSING_FIELD, "event"),
                (INVALID_TYPE, "data"),
                (MISSING_FIELD, "contentId"),
                (INVALID_TYPE, "userId"),
                (INVALID_TYPE, "sentAt"),
            ],
            id="name missing: the ranges of a type are not judged",
        ),
        pytest.param(
            {"event": "PlayStart", "contentId": "", "deviceId": "d" * 129, "startupTime": -1},
            [
                (INVALID_TYPE, "event"),
                (INVALID_TYPE, "deviceId"),
                (INVALID_CONTENT_ID, "contentId"),
                (OUT_OF_RANGE, "data.startupTime"),
            ],
            id="another case: also what the type meant asks for",
        ),
        pytest.param(
            {"event": "SWIPE", "data": {"fromContentId": "a b", "toContentId": "c"}},
            [
                (INVALID_TYPE, "event"),
                (MISSING_FIELD, "data.watchTime"),
                (INVALID_CONTENT_ID, "data.fromContentId"),
            ],
            id="another case of swipe: no contentId is needed",
        ),
    ],
)
def test_name_at_fault_hides_no_other_fault(
    fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert verdict(encode(fields)) == expected


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (OLD, [(TOO_OLD, "timestamp")]),
        ("0001-01-01T00:00:00Z", [(TOO_OLD, "timestamp")]),
        ("9999-12-31T23:59:59.999Z", []),
        ("yesterday", [(INVALID_TYPE, "timestamp")]),
        ("2026-01-02X03:04:05Z", [(INVALID_TYPE, "timestamp")]),
        ("2026-01-02 03:04:05.678Z", [(INVALID_TYPE, "timestamp")]),
        ("", [(INVALID_TYPE, "timestamp")]),
        (NOW_MS, [(INVALID_TYPE, "timestamp")]),
        (True, [(INVALID_TYPE, "timestamp")]),
    ],
)
def test_timestamp(timestamp: Any, expected: list[tuple[str, str]]) -> None:
    assert verdict(encode(minimal("like", timestamp=timestamp))) == expected


@pytest.mark.parametrize("sent_at", ["", "soon", 5, [], False])
def test_sent_at_that_is_no_time_is_refused(sent_at: Any) -> None:
    assert verdict(encode(minimal("like", sentAt=sent_at))) == [(INVALID_TYPE, "sentAt")]


def test_sent_at_of_the_batch_serves_events_without_their_own() -> None:
    hour_late = format_timestamp(NOW_MS - 3_600_000)
    right = format_timestamp(NOW_MS)
    raw = encode(minimal("like", timestamp=hour_late))
    checked = read_event(raw, NOW_MS, hour_late)
    assert isinstance(checked, CheckedEvent)
    assert (checked.timestamp_ms, checked.adjusted) == (NOW_MS, True)
    own = read_event(encode(minimal("like", timestamp=hour_late, sentAt=right)), NOW_MS, hour_late)
    assert isinstance(own, CheckedEvent)
    assert (own.timestamp_ms, own.adjusted) == (NOW_MS - 3_600_000, False)
    assert verdict(raw, "soon") == [(INVALID_TYPE, "sentAt")]


def test_event_ahead_of_server_time_is_marked() -> None:
    ahead = format_timestamp(NOW_MS + 300_001)
    checked = read_event(encode(minimal("like", timestamp=ahead)), NOW_MS)
    assert isinstance(checked, CheckedEvent)
    assert (checked.timestamp_ms, checked.adjusted) == (NOW_MS, True)


SPOILT = {"eventId": "", "contentId": "a b", "timestamp": OLD}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            with_data("playStart", startupTime=-1) | SPOILT,
            [
                (INVALID_TYPE, "eventId"),
                (INVALID_CONTENT_ID, "contentId"),
                (OUT_OF_RANGE, "data.startupTime"),
                (TOO_OLD, "timestamp"),
            ],
            id="identifier, content id, range, age",
        ),
        pytest.param(
            with_data("rebuffer", duration=-1, currentTime=None) | SPOILT,
            [
                (MISSING_FIELD, "data.currentTime"),
                (INVALID_TYPE, "eventId"),
                (INVALID_CONTENT_ID, "contentId"),
                (OUT_OF_RANGE, "data.duration"),
                (TOO_OLD, "timestamp"),
            ],
            id="a missing field comes first",
        ),
        pytest.param(
            with_data("playStart", startupTime="x", autoplay="x") | SPOILT | {"contentId": None},
            [
                (MISSING_FIELD, "contentId"),
                (INVALID_TYPE, "data.startupTime"),
                (INVALID_TYPE, "data.autoplay"),
                (INVALID_TYPE, "eventId"),
                (TOO_OLD, "timestamp"),
            ],
            id="required before optional, then identifiers",
        ),
        pytest.param(
            with_data("playStart", startupTime=None) | {"platform": 5},
            [(MISSING_FIELD, "data.startupTime"), (INVALID_TYPE, "platform")],
            id="required data before the optional envelope",
        ),
        pytest.param(
            with_data("completion", watchTime=-1) | {"timestamp": "soon", "sentAt": "later"},
            [
                (INVALID_TYPE, "timestamp"),
                (INVALID_TYPE, "sentAt"),
                (OUT_OF_RANGE, "data.watchTime"),
            ],
            id="a timestamp of the wrong form before the range",
        ),
        pytest.param(
            with_data("swipe", fromContentId="?", toContentId="!", watchTime=float("inf"))
            | {"contentId": "", "unheardOf": {"deep": [1, float("nan")]}},
            [
                (INVALID_CONTENT_ID, "contentId"),
                (INVALID_CONTENT_ID, "data.fromContentId"),
                (INVALID_CONTENT_ID, "data.toContentId"),
                (OUT_OF_RANGE, "data.watchTime"),
                (OUT_OF_RANGE, "unheardOf.deep[1]"),
            ],
            id="every content id and every number",
        ),
        pytest.param(
            minimal("watchProgress", data=[], sessionId=5),
            [(INVALID_TYPE, "data"), (INVALID_TYPE, "sessionId")],
            id="data that is no object",
        ),
    ],
)
def test_first_broken_rule_decides_and_all_are_listed(
    fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert verdict(encode(fields)) == expected
