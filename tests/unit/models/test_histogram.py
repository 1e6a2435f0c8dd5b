"""Log buckets: the error of each value and of each quantile, and exact merging."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.histogram import (
    BUCKETS,
    RELATIVE_ERROR,
    ZERO_BUCKET,
    bucket_of,
    bucket_value_ms,
    quantiles_ms,
)

# One hundredth, and what adding up powers in floating point may cost.
LIMIT = RELATIVE_ERROR * (1 + 1e-9)

durations_ms = st.integers(0, 600_000)
quantiles = (1, 250, 500, 900, 950, 990, 999, 1000)


def exact_quantile_ms(values: list[int], per_mille: int) -> int:
    """The smallest value with at least ceil(q * n) values at or below it, by counting."""
    return next(
        value
        for value in sorted(values)
        if sum(other <= value for other in values) * 1000 >= per_mille * len(values)
    )


def test_relative_error_is_one_percent() -> None:
    assert RELATIVE_ERROR == 0.01


def test_every_duration_is_answered_within_one_percent() -> None:
    worst = max(
        abs(bucket_value_ms(bucket_of(value)) - value) / value for value in range(1, 600_001, 7)
    )
    assert worst <= LIMIT


@pytest.mark.parametrize("value_ms", [*range(1, 400), 599_998, 599_999, 600_000])
def test_durations_at_the_edges_are_answered_within_one_percent(value_ms: int) -> None:
    assert bucket_value_ms(bucket_of(value_ms)) == pytest.approx(value_ms, rel=LIMIT)


@given(st.integers(1, 600_000))
def test_any_duration_is_answered_within_one_percent(value_ms: int) -> None:
    bucket = bucket_of(value_ms)
    assert 0 <= bucket < BUCKETS
    assert bucket_value_ms(bucket) == pytest.approx(value_ms, rel=LIMIT)


def test_zero_has_its_own_bucket_and_nothing_lies_past_the_last() -> None:
    assert (bucket_of(0), bucket_of(-5)) == (ZERO_BUCKET, ZERO_BUCKET)
    assert bucket_value_ms(ZERO_BUCKET) == 0
    assert bucket_of(1) == 0
    assert bucket_of(10**9) == bucket_of(600_000) == BUCKETS - 1


@given(durations_ms, durations_ms)
def test_order_of_durations_is_kept(one_ms: int, other_ms: int) -> None:
    low, high = sorted((one_ms, other_ms))
    assert bucket_of(low) <= bucket_of(high)
    assert bucket_value_ms(bucket_of(low)) <= bucket_value_ms(bucket_of(high))


@given(st.lists(durations_ms, min_size=1, max_size=60))
def test_quantiles_are_those_of_the_values_within_one_percent(values: list[int]) -> None:
    found = quantiles_ms(Counter(map(bucket_of, values)), quantiles)
    assert found is not None
    for per_mille, quantile in zip(quantiles, found, strict=True):
        assert quantile == pytest.approx(exact_quantile_ms(values, per_mille), rel=LIMIT)


@given(st.lists(durations_ms), st.lists(durations_ms))
def test_merged_counts_are_those_of_all_values(some: list[int], more: list[int]) -> None:
    merged = Counter(map(bucket_of, some)) + Counter(map(bucket_of, more))
    assert merged == Counter(map(bucket_of, some + more))
    assert quantiles_ms(merged, quantiles) == quantiles_ms(
        Counter(map(bucket_of, more + some)), quantiles
    )


def test_ranks_are_not_off_by_rounding() -> None:
    tenth = Counter({bucket_of(100): 9, bucket_of(200): 1})
    assert quantiles_ms(tenth, (900, 901)) == (
        bucket_value_ms(bucket_of(100)),
        bucket_value_ms(bucket_of(200)),
    )


def test_nothing_has_no_quantiles() -> None:
    assert quantiles_ms({}, (500,)) is None
    assert quantiles_ms({3: 0}, (500,)) is None
