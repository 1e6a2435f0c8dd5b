"""ISO 8601 text to and from milliseconds."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.timestamps import format_timestamp, is_canonical, parse_timestamp_ms

FIRST_MS = -62_135_596_800_000
LAST_MS = 253_402_300_799_999

any_ms = st.integers(FIRST_MS, LAST_MS)


_DATES = {
    "0000-00-00": ("", "00", "00:00", "00:00:00", "00:00:00.0"),
    "0000-W00-0": ("", "00", "00:00", "00:00:00", "00:00:00.0"),
    "00000000": ("", "00", "0000", "000000", "000000.0"),
    "0000W000": ("", "00", "0000", "000000", "000000.0"),
}
SHAPES = set(_DATES) | {
    f"{date}T{time}{offset}"
    for date, times in _DATES.items()
    for time in times[1:]
    for offset in ("", "Z", "+00:00", "-00:00", "+0000", "-0000", "+00", "-00")
}
"""Every form that a time may have, with 0 for a digit and .0 for a fraction."""


def strictly_parsed_ms(text: str) -> int | None:
    """What the standard library reads of the forms allowed, without the fast path."""
    shape = re.sub("[.,]0+", ".0", re.sub("[0-9]", "0", text))
    if shape not in SHAPES or re.search("[+-][0-9]{2}:?[6-9][0-9]$", text[10:]):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(any_ms)
def test_what_is_written_reads_back(ms: int) -> None:
    text = format_timestamp(ms)
    assert parse_timestamp_ms(text) == ms
    assert is_canonical(text)


@given(any_ms)
def test_written_form_is_that_of_the_standard_library(ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    written = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert format_timestamp(ms) == written


@given(
    st.builds(
        "{}-{}-{}{}{}:{}:{}.{}{}".format,
        st.sampled_from(["2026", "0001", "9999", "0000", "20 6", "\uff12026"]),
        st.sampled_from(["01", "02", "12", "13", "00", "W1"]),
        st.sampled_from(["01", "29", "31", "32", "-4"]),
        st.sampled_from(["T", " ", "t", "_"]),
        st.sampled_from(["00", "23", "24", "-1", "٠٣"]),
        st.sampled_from(["00", "59", "60", "5x"]),
        st.sampled_from(["00", "05", "59", "60", "0 "]),
        st.sampled_from(["000", "678", "99", "6789", "abc", "-12"]),
        st.sampled_from(["Z", "z", "+00:00", "", "+05:30", "-00:01", "+0530", "+05:60", " Z"]),
    )
    | st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["2026-01-02", "20260102", "2026-W01-5", "2026W015", "2026-002"]),
        st.sampled_from(["T", "t", " ", "X", "é", ""]),
        st.sampled_from(["03", "03:04", "0304", "03:04:05", "030405", "03:0405", "24:00:00"]),
        st.sampled_from(["", ".5", ",678", ".", ".105.678", ".1:05.678", ".678901234"]),
        st.sampled_from(["Z", "", "+05", "+0530", "-05:30", "+24:00", "+05:30:15", "Zulu"]),
    )
    | st.sampled_from(sorted(SHAPES)).map(lambda shape: shape.replace("0", "1"))
)
def test_fast_path_agrees_with_the_strict_parser(text: str) -> None:
    assert parse_timestamp_ms(text) == strictly_parsed_ms(text)
    assert parse_timestamp_ms(text) == strictly_parsed_ms(text), "also from the cache"


@given(st.text(max_size=70))
def test_any_text_is_a_time_or_none(text: str) -> None:
    expected = None if len(text) > 64 else strictly_parsed_ms(text)
    assert parse_timestamp_ms(text) == expected


@given(any_ms, st.integers(-23 * 60, 23 * 60))
def test_offset_is_taken_off(ms: int, offset_minutes: int) -> None:
    zone = timezone(timedelta(minutes=offset_minutes))
    try:
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(zone)
    except OverflowError:
        return
    assert parse_timestamp_ms(local.isoformat()) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678),
        ("2026-01-02T03:04:05.6789Z", 1_767_323_045_678),
        ("2026-01-02T03:04:05,678Z", 1_767_323_045_678),
        ("2026-01-02T03:04:05.678", 1_767_323_045_678),
        ("2026-01-02T03:04:05.678+00:00", 1_767_323_045_678),
        ("2026-01-02T08:34:05.678+05:30", 1_767_323_045_678),
        ("2026-01-02T08:34:05.678+0530", 1_767_323_045_678),
        ("2026-01-02T05:04:05.678+02", 1_767_323_045_678),
        ("2026-01-02T03:04:05.678-00:00", 1_767_323_045_678),
        ("2026-01-02T03:04:05.678901234Z", 1_767_323_045_678),
        ("20260102T030405Z", 1_767_323_045_000),
        ("20260102T030405.678Z", 1_767_323_045_678),
        ("2026-W01-5T03:04:05.678Z", 1_767_323_045_678),
        ("2026W015T030405Z", 1_767_323_045_000),
        ("2026-01-02T03Z", 1_767_322_800_000),
        ("2026-01-02T03:04Z", 1_767_323_040_000),
        ("2026-01-02", 1_767_312_000_000),
        ("2024-02-29T00:00:00.000Z", 1_709_164_800_000),
        ("0001-01-01T00:00:00.000Z", FIRST_MS),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
    ],
)
def test_forms_of_iso_8601(text: str, ms: int) -> None:
    assert parse_timestamp_ms(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1767323045678",
        "2026-02-29T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-01-02T03:60:05.678Z",
        "2026-01-02T03:04:60.678Z",
        "2026-01-02T03:04:5x.678Z",
        "2026-01-02T03:04:05.6x8Z",
        "10000-01-01T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "2026-01-02T03:04:05.678Z and more",
        "2026-01-02T03:04:05.678+25:00",
        "2026-01-02T03:04:05." + "6" * 80 + "Z",
        *(f"2026-01-02{separator}03:04:05Z" for separator in " tX_é٣😀"),
        *(f"2026-01-02{separator}03:04:05.678Z" for separator in " tX_é٣😀"),
        "2026-01-02T03:04:05z",
        "2026-01-02T03:04:05 Z",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "2026-01-02T",
        "2026-01-02Z",
        "2026-01",
        "2026-W01",
        "2026-002T03:04:05Z",
        "2026-1-2T3:4:5Z",
        "26-01-02T03:04:05Z",
        "+2026-01-02T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T23:59:60Z",
        "2026-01-02T03.5Z",
        "2026-01-02T03:04.5Z",
        "2026-01-02T03:04:05.Z",
        "20260102T03:04:05Z",
        "2026-01-02T030405Z",
        "20260102T030405.105.678Z",
        "2026-01-02T03:04:05+05:60",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+05:30:15",
        "2026-01-02T03:04:05\u221205:30",
        "٢٠٢٦-01-02T03:04:05Z",
        "2026-01-02T0٣:04:05.678Z",
    ],
)
def test_rubbish_is_no_time(text: str) -> None:
    assert parse_timestamp_ms(text) is None


def test_times_past_the_calendar_are_held_at_its_ends() -> None:
    assert format_timestamp(FIRST_MS - 1) == "0001-01-01T00:00:00.000Z"
    assert format_timestamp(LAST_MS + 1) == "9999-12-31T23:59:59.999Z"
    assert parse_timestamp_ms("0001-01-01T00:00:00+01:00") == FIRST_MS - 3_600_000


def test_more_minutes_and_seconds_than_are_cached_still_read_and_write_right() -> None:
    for minute in range(20_500):
        ms = minute * 60_000 + 1_002
        assert parse_timestamp_ms(format_timestamp(ms)) == ms


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2026-01-02T03:04:05.678Z", True),
        ("2026-01-02T03:04:05Z", False),
        ("20260102T030405.678+0000", False),
        ("2026-01-02T03:04:05,678Z", False),
        ("2026-01-02T03:04:05.6789Z", False),
        ("2026-01-02T03:04:05.678+00:00", False),
        ("2026-W01-5T03:04:05.678Z", False),
    ],
)
def test_canonical_form_is_told_from_other_valid_ones(text: str, canonical: bool) -> None:
    assert parse_timestamp_ms(text) is not None
    assert is_canonical(text) is canonical
