from dataclasses import dataclass

import pytest

from bench.sizing import event_seconds, load_seconds, long_enough


@dataclass(frozen=True)
class Measured:
    events: int
    seconds: float

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds


@pytest.mark.parametrize(
    ("events_per_second", "asked"),
    [(10_000, [400_000]), (25_000, [400_000]), (100_000, [400_000, 2_880_000])],
)
async def test_a_measurement_is_repeated_with_more_events_where_it_was_too_short(
    events_per_second: int, asked: list[int]
) -> None:
    events: list[int] = []

    async def measure(count: int) -> Measured:
        events.append(count)
        return Measured(count, count / events_per_second)

    result = await long_enough(measure, 400_000, 20.0)
    assert events == asked
    assert result == Measured(asked[-1], asked[-1] / events_per_second)
    assert asked == [400_000] or result.seconds == pytest.approx(load_seconds(20.0), abs=0.1)


async def test_a_load_is_no_larger_than_its_limit_however_fast_it_is_worked_off() -> None:
    asked: list[int] = []

    async def measure(count: int) -> Measured:
        asked.append(count)
        return Measured(count, 0.001)

    await long_enough(measure, 1_000, 20.0, limit=5_000)
    await long_enough(measure, 5_000, 20.0, limit=5_000)
    assert asked == [1_000, 5_000, 5_000]


async def test_any_time_is_long_enough_where_none_is_asked_for() -> None:
    asked: list[int] = []

    async def measure(count: int) -> Measured:
        asked.append(count)
        return Measured(count, 0.1)

    await long_enough(measure, 1_000, 0.0)
    assert asked == [1_000]


def test_event_time_is_that_of_the_work_or_long_enough_for_views_to_end() -> None:
    assert event_seconds(10.0) == 120.0
    assert event_seconds(200.0) == load_seconds(200.0) > 200.0
