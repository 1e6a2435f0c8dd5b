import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.dedupe import digests
from tables import id_filter
from tables.id_filter import IDS_PER_WORD, IdFilter
from tables.id_runs import Ids

IDS = st.one_of(
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 70),
    st.integers(0, 70).map(lambda number: (1 << 64) - 1 - number),
)
LARGE = 200_000


def numbered(start: int, end: int) -> Ids:
    """Different ids, spread evenly, in ascending order."""
    return np.sort(digests(np.arange(start, end, dtype=np.uint64)))


def share_let_through(filter_: IdFilter) -> float:
    """Of ids that were not added."""
    unknown = digests(np.arange(1 << 40, (1 << 40) + LARGE, dtype=np.uint64))
    return len(filter_.let_through(unknown)) / len(unknown)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(IDS, max_size=40), max_size=6), st.integers(0, 100), st.integers(1, 5))
def test_what_was_added_is_let_through(
    monkeypatch: pytest.MonkeyPatch, parts: list[list[int]], made_for: int, chunk: int
) -> None:
    monkeypatch.setattr(id_filter, "LEAST_WORDS", 1)
    monkeypatch.setattr(id_filter, "_CHUNK", chunk)
    filter_ = IdFilter(made_for)
    added: list[int] = []
    for part in parts:
        filter_.add(np.array(sorted(part), dtype=np.uint64))
        added += part
        assert filter_.let_through(np.array(added, dtype=np.uint64)).tolist() == added


def test_of_many_ids_none_is_held_back() -> None:
    filter_ = IdFilter(LARGE)
    ids = numbered(0, LARGE)
    filter_.add(ids)
    assert len(filter_.let_through(ids)) == LARGE


def test_empty_filter_lets_nothing_through() -> None:
    assert share_let_through(IdFilter(0)) == 0


def test_few_unknown_ids_are_let_through() -> None:
    filter_ = IdFilter(LARGE)
    filter_.add(numbered(0, LARGE))
    assert share_let_through(filter_) < 0.009
    filter_.add(numbered(LARGE, filter_.most_ids))
    assert share_let_through(filter_) < 0.021


def test_ids_that_are_alike_in_one_half_are_told_apart() -> None:
    filter_ = IdFilter(LARGE)
    known = numbered(0, LARGE)
    filter_.add(known)
    lowest = np.uint64((1 << 32) - 1)
    alike = known ^ (digests(np.arange(LARGE, dtype=np.uint64)) & lowest)
    assert len(filter_.let_through(alike)) < 0.3 * LARGE
    alike = known ^ (digests(np.arange(LARGE, dtype=np.uint64)) & ~lowest)
    assert len(filter_.let_through(alike)) < 0.009 * LARGE


def test_filter_takes_two_bytes_for_each_id_that_it_is_made_for() -> None:
    filter_ = IdFilter(LARGE)
    assert filter_.nbytes == 2 * LARGE
    assert filter_.most_ids == LARGE * IDS_PER_WORD[1] / IDS_PER_WORD[0]
