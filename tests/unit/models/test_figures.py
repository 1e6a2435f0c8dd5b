"""The algebra of figures: exact, in any order, and back again."""

from hypothesis import given
from hypothesis import strategies as st

from models.figures import PLAYS, SUMS, WATCH_MS, Figures, new_figures
from models.histogram import BUCKETS

_sums = st.lists(st.integers(-(10**12), 10**15), min_size=SUMS, max_size=SUMS)
_startups = st.dictionaries(st.integers(-1, BUCKETS - 1), st.integers(1, 10**9), max_size=8)
figures = st.builds(Figures, _sums, _startups)


def sum_of(*parts: Figures) -> Figures:
    total = new_figures()
    for part in parts:
        total.add(part)
    return total


@given(figures, figures)
def test_order_does_not_matter(a: Figures, b: Figures) -> None:
    assert sum_of(a, b) == sum_of(b, a)


@given(figures, figures, figures)
def test_grouping_does_not_matter(a: Figures, b: Figures, c: Figures) -> None:
    assert sum_of(sum_of(a, b), c) == sum_of(a, sum_of(b, c))


@given(figures)
def test_nothing_adds_nothing(a: Figures) -> None:
    assert sum_of(a, new_figures()) == a
    assert sum_of(a) == a


@given(figures, figures)
def test_subtracting_takes_out_what_was_added(a: Figures, b: Figures) -> None:
    total = sum_of(a, b)
    total.subtract(b)
    assert total == a
    total.subtract(a)
    assert total == new_figures()
    assert total.is_empty()


@given(figures, figures)
def test_the_change_from_one_to_another_leads_there(a: Figures, b: Figures) -> None:
    assert sum_of(b, a.since(b)) == a
    assert a.since(a).is_empty()


@given(figures, figures)
def test_sums_and_buckets_add_up_one_by_one(a: Figures, b: Figures) -> None:
    total = sum_of(a, b)
    assert total.sums == [x + y for x, y in zip(a.sums, b.sums, strict=True)]
    assert total.startups == {
        bucket: a.startups.get(bucket, 0) + b.startups.get(bucket, 0)
        for bucket in a.startups.keys() | b.startups.keys()
    }


@given(figures, figures)
def test_copy_is_independent(a: Figures, b: Figures) -> None:
    before = Figures(list(a.sums), dict(a.startups))
    copy = a.copy()
    assert copy == a
    copy.add(b)
    copy.sums[PLAYS] += 1
    copy.startups[5] = 1
    assert a == before


def test_empty_means_no_sum_and_no_startup() -> None:
    assert new_figures().is_empty()
    watched = new_figures()
    watched.sums[WATCH_MS] = -1
    assert not watched.is_empty()
    assert not Figures([0] * SUMS, {3: 1}).is_empty()
