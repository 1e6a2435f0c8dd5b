import pytest

from bench.stretch import Look, Stretch


def watched(stretch: Stretch, counts: list[int]) -> Stretch:
    """One look a second, each second at half a core."""
    for second, count in enumerate(counts):
        stretch.add(Look(float(second), float(count), second / 2))
    return stretch


def test_everything_is_measured_where_nothing_else_is_asked_for() -> None:
    stretch = watched(Stretch(), [10, 110, 210, 310])
    assert (stretch.seconds, stretch.counted, stretch.cpu_seconds) == (3.0, 300.0, 1.5)


def test_warm_up_and_what_comes_after_are_left_out() -> None:
    slow, steady, drained = [1, 2, 3], [103, 203, 303, 403], [404, 405]
    stretch = watched(Stretch(2.0, 4.0), [*slow, *steady, *drained])
    assert (stretch.seconds, stretch.counted, stretch.cpu_seconds) == (4.0, 400.0, 2.0)


def test_waiting_at_the_end_is_none_of_it_and_a_stall_within_is() -> None:
    stretch = watched(Stretch(), [10, 110, 110, 110, 210, 210, 210])
    assert (stretch.seconds, stretch.counted) == (4.0, 200.0)


def test_what_ends_within_the_warm_up_is_measured_whole() -> None:
    stretch = watched(Stretch(5.0, 20.0), [10, 110, 210, 210, 210, 210, 210, 210])
    assert (stretch.seconds, stretch.counted) == (2.0, 200.0)


def test_one_look_tells_nothing() -> None:
    stretch = watched(Stretch(), [10, 10])
    assert (stretch.seconds, stretch.counted, stretch.cpu_seconds) == (0.0, 0.0, 0.0)


def test_pace_is_that_of_the_slowest_ten_seconds() -> None:
    counts = [0, 100, 200, 300, 400, 500, 600, 700, 750, 800, 850, 900, 1000, 1100, 1200]
    assert watched(Stretch(), counts).slowest == pytest.approx((1000 - 200) / 10)


def test_pace_of_less_than_ten_seconds_is_unknown() -> None:
    assert watched(Stretch(), [second * 100 for second in range(10)]).slowest is None
