"""Every field of every event type: absent, of a wrong type, out of range, and at its limits.

The table is the contract's, written down once more: it does not come from the code.
"""

import math
from typing import Any, NamedTuple

import pytest

from models.validation import read_event
from models.verdicts import INVALID_TYPE, MISSING_FIELD, OUT_OF_RANGE, CheckedEvent, Refusal
from tests.unit.models.samples import MINIMAL, NOW_MS, encode, minimal, with_data

NOT_FINITE = (math.nan, math.inf, -math.inf)


class Kind(NamedTuple):
    """What a field may hold, by example."""

    fitting: tuple[Any, ...]
    wrong: tuple[Any, ...]
    out_of_range: tuple[Any, ...] = ()


TEXT = Kind(("", "x", "é" * 300), (1, 1.5, True, [], {}, math.nan))
BOOLEAN = Kind((True, False), ("true", 0, 1, [], {}))
WRONG_NUMBERS: tuple[Any, ...] = ("5", True, False, [5], {})


def integer(highest: int) -> Kind:
    too_far = (-1, -1.0, highest + 1, float(highest + 1), 10**30, 10**400, *NOT_FINITE)
    return Kind((0, 1, 7.0, highest), (*WRONG_NUMBERS, 1.5, "x" * 100), too_far)


def number(highest: int) -> Kind:
    too_far = (-0.001, -1, highest + 0.5, highest * 10, 10**400, *NOT_FINITE)
    return Kind((0, -0.0, 0.25, 3, highest), WRONG_NUMBERS, too_far)


COUNT = integer(2**31 - 1)
STARTUP_MS = integer(600_000)
STALL_MS = integer(3_600_000)
WATCH_SECONDS = number(86_400)
POSITION_SECONDS = number(10_000_000_000)

REQUIRED: dict[str, dict[str, Kind]] = {
    "impression": {"position": COUNT},
    "playStart": {"startupTime": STARTUP_MS},
    "watchProgress": {"currentTime": POSITION_SECONDS, "duration": POSITION_SECONDS},
    "completion": {"watchTime": WATCH_SECONDS, "looped": BOOLEAN},
    "swipe": {
        "fromContentId": Kind(("a", "x" * 128), (1, True, [])),
        "toContentId": Kind(("a", "x" * 128), (1, True, [])),
        "watchTime": WATCH_SECONDS,
    },
    "like": {},
    "save": {},
    "share": {"platform": TEXT},
    "rebuffer": {"duration": STALL_MS, "currentTime": POSITION_SECONDS},
    "qualityChange": {"fromQuality": TEXT, "toQuality": TEXT},
    "error": {"errorCode": Kind(("E1", "", 5, -3), (True, 1.5, [], {})), "errorMessage": TEXT},
    "app.opened": {},
}
OPTIONAL: dict[str, dict[str, Kind]] = {
    "impression": {
        "entryPoint": Kind(("feed", "search", "direct", "share"), ("menu", "FEED", "", 1, [])),
        "feedId": TEXT,
    },
    "playStart": {"rendition": TEXT, "codec": TEXT, "autoplay": BOOLEAN},
    "watchProgress": {"percentComplete": number(1_000_000), "rendition": TEXT},
    "completion": {"loopCount": COUNT},
    "swipe": {"direction": TEXT},
    "rebuffer": {"rendition": TEXT},
    "error": {"fatal": BOOLEAN},
}
IDENTIFIER = Kind(("x", "x" * 128, "é" * 128), ("", "x" * 129, "x" * 10_000, 1, True, [], {}))
ENVELOPE: dict[str, Kind] = {
    **dict.fromkeys(("eventId", "userId", "deviceId", "sessionId"), IDENTIFIER),
    **dict.fromkeys(("platform", "appVersion", "country", "networkType", "cdn"), TEXT),
}


def verdict(fields: Any) -> list[tuple[str, str]]:
    """The faults of an event as (reason, field); none of an accepted one."""
    checked = read_event(encode(fields), NOW_MS)
    if isinstance(checked, CheckedEvent):
        return []
    assert all(fault.message.startswith(f"{fault.field}:") for fault in checked.faults)
    return [(fault.reason, fault.field) for fault in checked.faults]


def every(table: dict[str, dict[str, Kind]]) -> list[Any]:
    return [
        pytest.param(name, field, kind, id=f"{name}.{field}")
        for name, fields in table.items()
        for field, kind in fields.items()
    ]


def test_the_samples_have_exactly_the_required_fields() -> None:
    assert {name: set(data) for name, data in MINIMAL.items()} == {
        name: set(fields) for name, fields in REQUIRED.items()
    }


@pytest.mark.parametrize("name", REQUIRED)
def test_event_with_no_more_than_its_required_fields_is_accepted(name: str) -> None:
    assert verdict(minimal(name)) == []


@pytest.mark.parametrize("name", [name for name in REQUIRED if not REQUIRED[name]])
def test_event_that_needs_no_data_may_have_any(name: str) -> None:
    without = minimal(name)
    del without["data"]
    assert verdict(without) == []
    assert verdict(minimal(name, data=None)) == []
    assert verdict(minimal(name, data={"mood": ["fine", {"very": 1}]})) == []


@pytest.mark.parametrize("name", [name for name in REQUIRED if REQUIRED[name]])
@pytest.mark.parametrize("data", [None, {}])
def test_without_data_every_required_field_is_missing(name: str, data: Any) -> None:
    expected = [(MISSING_FIELD, f"data.{field}") for field in REQUIRED[name]]
    if name == "swipe":
        expected.remove((MISSING_FIELD, "data.toContentId"))  # the envelope's contentId stands in
    assert verdict(minimal(name, data=data)) == expected


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("data", [[], "x", 5, True])
def test_data_that_is_no_object_is_refused(name: str, data: Any) -> None:
    assert verdict(minimal(name, data=data)) == [(INVALID_TYPE, "data")]


@pytest.mark.parametrize(("name", "field", "kind"), every(REQUIRED))
def test_required_field_absent_or_null(name: str, field: str, kind: Kind) -> None:
    fields = with_data(name, **{field: None})
    if field == "toContentId":
        del fields["contentId"]
    assert verdict(fields) == [(MISSING_FIELD, f"data.{field}")]
    del fields["data"][field]
    assert verdict(fields) == [(MISSING_FIELD, f"data.{field}")]


@pytest.mark.parametrize(("name", "field", "kind"), every(OPTIONAL))
def test_optional_field_absent_or_null(name: str, field: str, kind: Kind) -> None:
    assert verdict(with_data(name, **{field: None})) == []


@pytest.mark.parametrize(("name", "field", "kind"), [*every(REQUIRED), *every(OPTIONAL)])
def test_field_of_data(name: str, field: str, kind: Kind) -> None:
    for value in kind.fitting:
        assert verdict(with_data(name, **{field: value})) == [], value
    for value in kind.wrong:
        expected = [(INVALID_TYPE, f"data.{field}")]
        assert verdict(with_data(name, **{field: value})) == expected, value
    for value in kind.out_of_range:
        expected = [(OUT_OF_RANGE, f"data.{field}")]
        assert verdict(with_data(name, **{field: value})) == expected, value


@pytest.mark.parametrize(("name", "field", "kind"), every(REQUIRED))
def test_required_field_at_the_top_level(name: str, field: str, kind: Kind) -> None:
    fields = minimal(name)
    fields[field] = fields["data"].pop(field)
    assert verdict(fields) == []
    for value in kind.wrong:
        expected = [(INVALID_TYPE, f"data.{field}")]
        assert verdict({**fields, field: value}) == expected, value
    for value in kind.out_of_range:
        expected = [(OUT_OF_RANGE, f"data.{field}")]
        assert verdict({**fields, field: value}) == expected, value


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("field", ENVELOPE)
def test_field_of_the_envelope(name: str, field: str) -> None:
    kind = ENVELOPE[field]
    assert verdict(minimal(name, **{field: None})) == []
    for value in kind.fitting:
        assert verdict(minimal(name, **{field: value})) == [], value
    for value in kind.wrong:
        assert verdict(minimal(name, **{field: value})) == [(INVALID_TYPE, field)], value


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400])
@pytest.mark.parametrize("field", ["startupTime", "unheardOf"])
def test_number_that_no_double_holds_is_out_of_range(literal: str, field: str) -> None:
    data = f'{{"startupTime":5,"{field}":{literal}}}'
    raw = f'{{"event":"playStart","contentId":"a","data":{data}}}'
    checked = read_event(raw.encode(), NOW_MS)
    assert isinstance(checked, Refusal)
    assert [(fault.reason, fault.field) for fault in checked.faults] == [
        (OUT_OF_RANGE, f"data.{field}")
    ]


def test_integral_float_becomes_the_integer() -> None:
    checked = read_event(encode(with_data("playStart", startupTime=412.0)), NOW_MS)
    assert isinstance(checked, CheckedEvent)
    startup_ms = checked.event.data.startup_time  # type: ignore[union-attr] # it is a playStart
    assert (startup_ms, type(startup_ms)) == (412, int)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            with_data("playStart", startupTime="fast"),
            "data.startupTime: expected an integer from 0 to 600000 in milliseconds, "
            "got 'fast' (string)",
        ),
        (
            with_data("rebuffer", duration=3_600_001),
            "data.duration: expected an integer from 0 to 3600000 in milliseconds, "
            "got 3600001 (number)",
        ),
        (
            with_data("impression", entryPoint="menu"),
            "data.entryPoint: expected one of direct, feed, search, share, got 'menu' (string)",
        ),
        (
            with_data("completion", looped=1),
            "data.looped: expected true or false, got 1 (number)",
        ),
        (
            with_data("error", errorCode=True),
            "data.errorCode: expected a string or an integer, got true (boolean)",
        ),
        (
            with_data("share", platform=None),
            "data.platform: required by this event type; expected a string",
        ),
        (
            minimal("like", userId="x" * 129),
            "userId: has 129 characters; expected 1 to 128 characters",
        ),
    ],
)
def test_message_says_what_was_expected_and_what_came(fields: Any, message: str) -> None:
    checked = read_event(encode(fields), NOW_MS)
    assert isinstance(checked, Refusal)
    assert checked.faults[0].message == message
