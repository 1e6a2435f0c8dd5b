from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.replay.pacing import Pacer, tick_times_ms


class SkippingClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def moments(speed: float | None, times_ms: list[int | None]) -> list[float]:
    clock = SkippingClock()
    pacer = Pacer(speed, clock=clock.now, sleep=clock.sleep)
    reached = []
    for time_ms in times_ms:
        await pacer.wait(time_ms)
        reached.append(clock.seconds - 100.0)
    return reached


async def test_speed_is_a_multiple_of_real_time() -> None:
    assert await moments(10.0, [5_000, 6_000, 25_000]) == pytest.approx([0.0, 0.1, 2.0])


async def test_line_of_an_earlier_time_goes_at_once() -> None:
    assert await moments(1.0, [5_000, 7_000, 4_000, None, 7_500]) == pytest.approx(
        [0.0, 2.0, 2.0, 2.0, 2.5]
    )


async def test_without_a_speed_nothing_waits() -> None:
    assert await moments(None, [0, 10**9]) == [0.0, 0.0]


def test_ticks_are_multiples_after_the_last_line_with_the_end_included() -> None:
    ticks = list(tick_times_ms(1_003, 20 * 60, 5))
    assert ticks[:2] == [6_003, 11_003]
    assert ticks[-1] == 1_003 + 20 * 60_000
    assert len(ticks) == 240


def test_settling_that_is_no_multiple_ends_with_a_tick_of_its_own() -> None:
    assert list(tick_times_ms(0, 12, 5)) == [5_000, 10_000, 12_000]


@given(st.integers(0, 10**13), st.integers(0, 5_000), st.integers(1, 60))
def test_ticks_rise_and_never_leave_a_longer_gap(last_ms: int, settle: int, every: int) -> None:
    ticks = [last_ms, *tick_times_ms(last_ms, settle, every)]
    gaps = [after - before for before, after in pairwise(ticks)]
    assert all(0 < gap <= every * 1000 for gap in gaps)
    assert ticks[-1] == last_ms + settle * 1000
