"""The course of a figure per slice: its points, its grid, its bounds."""

from hypothesis import example, given
from hypothesis import strategies as st

from app.live.trends import MAX_ENDED, MAX_POINTS, STEPS_MS, SliceKey, Trends

KEY = SliceKey("1m", "cdn", "cdn-a")
OTHER = SliceKey("1m", "cdn", "cdn-b")
T0 = 1_767_323_040_000
HOUR_MS = 3_600_000


def test_nothing_known_yet_is_the_figure_of_this_moment() -> None:
    assert Trends().trend(KEY, 0.5) == [0.5]


def test_first_figure_of_a_step_is_its_point_and_the_last_point_is_now() -> None:
    trends = Trends()
    for seconds, figure in ((0, 0.1), (4, 0.9), (5, 0.2), (9, 0.8), (10, 0.3)):
        trends.add(KEY, T0 + seconds * 1000, figure)
    assert trends.trend(KEY, 0.7) == [0.1, 0.2, 0.7]


def test_step_without_a_value_is_a_gap_and_all_slices_have_as_many_points() -> None:
    trends = Trends()
    trends.add(KEY, T0, 0.1)
    trends.add(OTHER, T0 + 5000, 0.4)
    trends.add(KEY, T0 + 10_000, None)
    trends.add(OTHER, T0 + 15_000, 0.6)
    assert trends.trend(KEY, None) == [0.1, None, None, None]
    assert trends.trend(OTHER, 0.6) == [None, 0.4, None, 0.6]


def test_late_figure_of_a_step_that_is_over_does_not_replace_its_point() -> None:
    trends = Trends()
    trends.add(KEY, T0, 0.1)
    trends.add(KEY, T0 + 5000, 0.2)
    trends.add(KEY, T0 + 1000, 0.9)
    assert trends.trend(KEY, 0.3) == [0.1, 0.3]


def test_an_hour_is_covered_by_a_point_a_minute() -> None:
    trends = Trends()
    for seconds in range(0, 3600, 5):
        trends.add(KEY, T0 + seconds * 1000, float(seconds))
    assert trends.step_ms == 60_000
    assert trends.trend(KEY, -1.0) == [*(float(s) for s in range(0, 3540, 60)), -1.0]
    trends.add(KEY, T0 + HOUR_MS, 3600.0)
    points = trends.trend(KEY, 3600.0)
    assert (len(points), points[0], points[-2]) == (60, 60.0, 3540.0)


def test_step_that_grows_keeps_the_first_figure_of_each_longer_step() -> None:
    trends = Trends()
    for number in range(MAX_POINTS):
        trends.add(KEY, T0 + number * 5000, float(number))
    assert len(trends.trend(KEY, None)) == MAX_POINTS
    trends.add(KEY, T0 + MAX_POINTS * 5000, 99.0)
    assert trends.step_ms == 10_000
    assert trends.trend(KEY, 99.0) == [*(float(n) for n in range(0, MAX_POINTS, 2)), 99.0]


def test_slice_that_comes_back_has_its_past_again() -> None:
    trends = Trends()
    trends.add(KEY, T0, 0.1)
    trends.end(KEY)
    trends.add(OTHER, T0 + 5000, 0.5)
    trends.add(KEY, T0 + 10_000, 0.3)
    assert trends.trend(KEY, 0.3) == [0.1, None, 0.3]


def test_slices_that_ended_are_forgotten_the_oldest_first_once_they_are_too_many() -> None:
    trends = Trends()
    keys = [SliceKey("1m", "appVersion", str(number)) for number in range(MAX_ENDED + 1)]
    for key in keys:
        trends.add(key, T0, 0.1)
        trends.end(key)
    trends.add(KEY, T0 + 5000, 0.5)
    assert trends.trend(keys[0], None) == [None, None]
    assert trends.trend(keys[1], None) == [0.1, None]


def test_slice_that_ended_over_an_hour_ago_is_forgotten() -> None:
    trends = Trends()
    trends.add(KEY, T0, 0.1)
    trends.end(KEY)
    for minute in range(1, 130):
        trends.add(OTHER, T0 + minute * 60_000, 0.2)
    assert trends.trend(KEY, None) == [None] * MAX_POINTS
    trends.clear()
    assert trends.trend(OTHER, 0.4) == [0.4]


@example([270_000, 2_040_000])
@given(st.lists(st.integers(0, 3 * HOUR_MS), min_size=1, max_size=200))
def test_points_are_few_whatever_the_times_and_cover_what_is_kept(offsets: list[int]) -> None:
    trends = Trends()
    for offset in offsets:
        trends.add(KEY, T0 + offset, float(offset))
    points = trends.trend(KEY, None)
    assert 1 <= len(points) <= MAX_POINTS
    assert trends.step_ms in STEPS_MS
    span_ms = max(offsets) - offsets[0]
    # As fine as the time that passed allows.
    finer = [step for step in STEPS_MS if step < trends.step_ms]
    assert not finer or span_ms > (MAX_POINTS - 1) * finer[-1]
