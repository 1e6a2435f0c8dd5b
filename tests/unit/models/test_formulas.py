"""The metrics of a slice, from their definitions."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import formulas
from models.figures import (
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    PLAYBACK_FAILURES,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    START_FAILURES,
    STARTED_VIEWS,
    STARTUP_MS,
    SUMS,
    WATCH_MS,
)

Formula = Callable[[list[int]], float | None]

FORMULAS: list[Formula] = [
    formulas.rebuffer_ratio,
    formulas.rebuffered_views_ratio,
    formulas.completion_ratio,
    formulas.exits_before_start_ratio,
    formulas.start_failure_ratio,
    formulas.playback_failure_ratio,
    formulas.wait_ratio,
    formulas.mean_stall_ms,
    formulas.mean_startup_ms,
]


def sums(values: dict[int, int]) -> list[int]:
    return [values.get(figure, 0) for figure in range(SUMS)]


@pytest.mark.parametrize(
    ("formula", "values", "expected"),
    [
        (formulas.rebuffer_ratio, {REBUFFER_MS: 1_000, WATCH_MS: 3_000}, 0.25),
        (formulas.rebuffer_ratio, {REBUFFER_MS: 1_000}, 1.0),
        (formulas.rebuffer_ratio, {REBUFFER_MS: 1_000, WATCH_MS: -3_000}, 1.0),
        (formulas.rebuffer_ratio, {WATCH_MS: 3_000}, 0.0),
        (formulas.rebuffered_views_ratio, {REBUFFERED_VIEWS: 1, STARTED_VIEWS: 4}, 0.25),
        (formulas.completion_ratio, {COMPLETIONS: 3, PLAYS: 2}, 1.5),
        (formulas.exits_before_start_ratio, {EXITS_BEFORE_START: 1, ENDED_VIEWS: 8}, 0.125),
        (formulas.start_failure_ratio, {START_FAILURES: 1, ENDED_VIEWS: 8}, 0.125),
        (formulas.playback_failure_ratio, {PLAYBACK_FAILURES: 1, ENDED_VIEWS: 8}, 0.125),
        (formulas.wait_ratio, {STARTUP_MS: 500, REBUFFER_MS: 500, WATCH_MS: 3_000}, 0.25),
        (formulas.mean_stall_ms, {REBUFFER_MS: 2_500, REBUFFERS: 2}, 1250.0),
        (formulas.mean_startup_ms, {STARTUP_MS: 2_500, PLAYS: 2}, 1250.0),
    ],
)
def test_formula(formula: Formula, values: dict[int, int], expected: float) -> None:
    assert formula(sums(values)) == expected


@pytest.mark.parametrize("formula", FORMULAS)
def test_zero_denominator_is_no_value(formula: Formula) -> None:
    assert formula([0] * SUMS) is None


@given(st.lists(st.integers(0, 10**9), min_size=SUMS, max_size=SUMS))
def test_shares_of_time_lie_between_0_and_1(values: list[int]) -> None:
    for formula in (formulas.rebuffer_ratio, formulas.wait_ratio):
        share = formula(values)
        assert share is None or 0 <= share <= 1


def test_corrections_without_what_they_correct_are_no_negative_playing_time() -> None:
    assert formulas.playing_ms(sums({WATCH_MS: -5})) == 0
    assert formulas.playing_ms(sums({WATCH_MS: 5})) == 5
