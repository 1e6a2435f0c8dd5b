from hypothesis import given
from hypothesis import strategies as st

from models.figures import PLAYS, WATCH_MS, new_figures
from tables.counters import AGE_EDGES_MS, MAX_ERROR_CODES, Counters, Histogram


@given(st.lists(st.integers(-1000, 1_000_000)))
def test_observing_many_is_observing_each(values: list[int]) -> None:
    one, many = Histogram(AGE_EDGES_MS), Histogram(AGE_EDGES_MS)
    for value in values:
        one.observe(value)
    many.observe_many(values)
    assert (one.counts, one.sum_ms) == (many.counts, many.sum_ms)


def test_edge_belongs_to_its_bucket() -> None:
    histogram = Histogram((100, 200))
    for value in (0, 100, 101, 200, 201):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]


def test_what_is_taken_back_never_makes_a_histogram_fall() -> None:
    histogram = Histogram((100, 200))
    histogram.observe(150)
    histogram.take_back(150)
    assert (histogram.counts, histogram.sum_ms) == ([0, 1, 0], 150)
    histogram.observe(50)
    assert (histogram.counts, histogram.sum_ms) == ([1, 1, 0], 150)
    histogram.observe(120)
    assert (histogram.counts, histogram.sum_ms) == ([1, 1, 0], 170)


def test_total_never_falls_and_catches_up_with_corrections() -> None:
    counters = Counters()
    seen = []
    for amount in (5000, -2000, 1000, 3000):
        figures = new_figures()
        figures.sums[WATCH_MS] = amount
        counters.add_sums(figures.sums)
        seen.append(counters.total(WATCH_MS))
    assert seen == [5000, 5000, 5000, 7000]
    assert counters.total(PLAYS) == 0


def test_error_codes_are_bounded() -> None:
    counters = Counters()
    for number in range(MAX_ERROR_CODES + 10):
        counters.add_error(f"E{number}")
    assert len(counters.errors) == MAX_ERROR_CODES + 1
    assert counters.errors["other"] == 10


def test_error_code_is_cut_to_the_bound_of_labels() -> None:
    counters = Counters()
    counters.add_error("x" * 10_000)
    assert list(counters.errors) == ["x" * 64]
