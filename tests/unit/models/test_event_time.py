"""Client clocks, the future and the past, in server time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.event_time import event_time
from models.timestamps import format_timestamp
from models.verdicts import INVALID_TYPE, TOO_OLD
from tests.unit.models.samples import NOW_MS

SECOND = 1_000
HOUR = 3_600_000


def at(offset_ms: int) -> str:
    """A timestamp that far from server time."""
    return format_timestamp(NOW_MS + offset_ms)


@pytest.mark.parametrize(
    ("timestamp_ms", "sent_ms", "final_ms", "adjusted"),
    [
        pytest.param(0, None, 0, False, id="now"),
        pytest.param(-24 * HOUR, None, -24 * HOUR, False, id="24 hours old, to the millisecond"),
        pytest.param(300 * SECOND, None, 300 * SECOND, False, id="5 minutes ahead"),
        pytest.param(300 * SECOND + 1, None, 0, True, id="more than 5 minutes ahead"),
        pytest.param(9_000 * HOUR, None, 0, True, id="a year ahead"),
        pytest.param(-2 * SECOND, -30 * SECOND, -2 * SECOND, False, id="clock 30 s slow"),
        pytest.param(-2 * SECOND, 30 * SECOND, -2 * SECOND, False, id="clock 30 s fast"),
        pytest.param(-40_001, -30_001, -10_000, True, id="clock more than 30 s slow"),
        pytest.param(20_001, 30_001, -10_000, True, id="clock more than 30 s fast"),
        pytest.param(-50 * HOUR, -49 * HOUR, -HOUR, True, id="too old only by its own clock"),
        pytest.param(30 * HOUR, 31 * HOUR, -HOUR, True, id="ahead only by its own clock"),
        pytest.param(10 * HOUR, 2 * HOUR, 0, True, id="ahead of its own clock as well"),
    ],
)
def test_final_timestamp(
    timestamp_ms: int, sent_ms: int | None, final_ms: int, adjusted: bool
) -> None:
    sent_at = None if sent_ms is None else at(sent_ms)
    assert event_time(at(timestamp_ms), sent_at, NOW_MS) == (NOW_MS + final_ms, adjusted)


@pytest.mark.parametrize(
    ("timestamp_ms", "sent_ms"),
    [(-24 * HOUR - 1, None), (-HOUR, 24 * HOUR), (-400 * 24 * HOUR, -10 * SECOND)],
)
def test_over_24_hours_old_is_refused(timestamp_ms: int, sent_ms: int | None) -> None:
    verdict = event_time(at(timestamp_ms), None if sent_ms is None else at(sent_ms), NOW_MS)
    assert isinstance(verdict, list)
    assert [(fault.reason, fault.field) for fault in verdict] == [(TOO_OLD, "timestamp")]
    assert at(0) in verdict[0].message


def test_server_time_stands_in_for_a_missing_timestamp() -> None:
    assert event_time(None, None, NOW_MS) == (NOW_MS, False)
    assert event_time(None, at(-HOUR), NOW_MS) == (NOW_MS, False)


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "fields"),
    [
        ("yesterday", None, ["timestamp"]),
        ("", None, ["timestamp"]),
        (None, "soon", ["sentAt"]),
        ("2026-01-02T03:04:05Z", "", ["sentAt"]),
        ("yesterday", "soon", ["timestamp", "sentAt"]),
    ],
)
def test_text_that_is_no_time_is_refused(
    timestamp: str | None, sent_at: str | None, fields: list[str]
) -> None:
    verdict = event_time(timestamp, sent_at, NOW_MS)
    assert isinstance(verdict, list)
    assert [(fault.reason, fault.field) for fault in verdict] == [
        (INVALID_TYPE, field) for field in fields
    ]


@given(
    now_ms=st.integers(0, 4_000_000_000_000),
    skew_ms=st.integers(-(10**11), 10**11),
    age_ms=st.integers(0, 24 * HOUR),
)
def test_a_wrong_clock_does_not_move_an_event(now_ms: int, skew_ms: int, age_ms: int) -> None:
    sent_at = format_timestamp(now_ms + skew_ms)
    timestamp = format_timestamp(now_ms + skew_ms - age_ms)
    corrected = abs(skew_ms) > 30 * SECOND
    if corrected:
        assert event_time(timestamp, sent_at, now_ms) == (now_ms - age_ms, True)
    elif age_ms - skew_ms <= 24 * HOUR:
        assert event_time(timestamp, sent_at, now_ms) == (now_ms + skew_ms - age_ms, False)
