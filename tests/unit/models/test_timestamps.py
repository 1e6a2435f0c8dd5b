"""ISO 8601 text to and from milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.timestamps import format_timestamp, is_canonical, parse_timestamp_ms

FIRST_MS = -62_135_596_800_000
LAST_MS = 253_402_300_799_999

any_ms = st.integers(FIRST_MS, LAST_MS)


def strictly_parsed_ms(text: str) -> int | None:
    """What the standard library reads, without the fast path."""
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
        st.sampled_from(["Z", "z", "+00:00", "", "+05:30", "-00:01"]),
    )
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
        ("2026-01-02 03:04:05Z", 1_767_323_045_000),
        ("20260102T030405Z", 1_767_323_045_000),
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
        ("2026-01-02 03:04:05.678Z", False),
        ("2026-01-02T03:04:05,678Z", False),
        ("2026-01-02T03:04:05.6789Z", False),
        ("2026-01-02T03:04:05.678+00:00", False),
        ("2026-W01-5T03:04:05.678Z", False),
    ],
)
def test_canonical_form_is_told_from_other_valid_ones(text: str, canonical: bool) -> None:
    assert parse_timestamp_ms(text) is not None
    assert is_canonical(text) is canonical
