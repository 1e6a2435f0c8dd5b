from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.dedupe import digests
from tables import frozen_ids, id_filter
from tables.frozen_ids import FrozenIds
from tables.id_runs import Ids

POOL = [0, 1, (1 << 64) - 2, (1 << 64) - 1, *digests(np.arange(300, dtype=np.uint64)).tolist()]
IDS = st.lists(st.sampled_from(POOL), max_size=20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("freeze"), IDS),
        st.tuples(st.just("tidy"), st.integers(1, 6)),
        st.tuples(st.just("pass hours"), st.sampled_from([1, 1, 2, 9])),
    ),
    max_size=60,
)
KEPT_HOURS = 3
UNKNOWN = 1 << 40


@pytest.fixture
def tiny_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits so small that a few ids go through every level, leaves are halved, filters renewed."""
    monkeypatch.setattr(frozen_ids, "YOUNG_IDS", (6, 12))
    monkeypatch.setattr(frozen_ids, "LEAF_IDS", 8)
    monkeypatch.setattr(id_filter, "LEAST_WORDS", 1)


def freeze(frozen: FrozenIds, ids: list[int], hour: int) -> None:
    frozen.freeze(np.array(ids, dtype=np.uint64), np.full(len(ids), hour))


def numbered(start: int, end: int) -> Ids:
    return digests(np.arange(start, end, dtype=np.uint64))


def share_searched_for(frozen: FrozenIds) -> float:
    """Of ids that were never frozen, those that the filter lets through to the runs."""
    unknown = numbered(UNKNOWN, UNKNOWN + 20_000)
    return len(frozen.may_hold(unknown)) / len(unknown)


@pytest.mark.usefixtures("tiny_runs")
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(IDS, st.integers(0, 4)), max_size=4), STEPS)
def test_every_id_is_found_with_its_newest_hour_after_every_step(
    loaded: list[tuple[list[int], int]], steps: list[tuple[str, Any]]
) -> None:
    frozen = FrozenIds()
    held: dict[int, int] = {}
    hour = 4
    for ids, seen_hour in loaded:
        frozen.load(np.array(ids, dtype=np.uint64), np.full(len(ids), seen_hour), 0)
        held |= {digest: max(seen_hour, held.get(digest, 0)) for digest in ids}
    frozen.end_loading()
    all_ids = np.array(POOL, dtype=np.uint64)
    ever = set(held.items())
    held = {digest: seen for digest, seen in held.items() if seen >= hour - KEPT_HOURS}
    for step, what in steps:
        if step == "freeze":
            freeze(frozen, what, hour)
            held |= dict.fromkeys(what, hour)
            ever |= {(digest, hour) for digest in what}
        elif step == "tidy":
            for _ in range(what):
                frozen.tidy(hour - KEPT_HOURS)
        else:
            hour += what
            held = {digest: seen for digest, seen in held.items() if seen >= hour - KEPT_HOURS}
        found = frozen.find(all_ids)
        oldest_hour = hour - KEPT_HOURS
        assert {digest: seen for digest, seen in found.items() if seen >= oldest_hour} == held
        # What is expired may still be there, with an hour that it was seen in.
        assert found.items() <= ever


@pytest.mark.usefixtures("tiny_runs")
def test_ids_of_many_hours_are_found_while_filters_and_leaves_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frozen_ids, "YOUNG_IDS", (200, 400))
    monkeypatch.setattr(frozen_ids, "LEAF_IDS", 500)
    rng = np.random.default_rng(1)
    frozen = FrozenIds()
    # More by the hour, then fewer: filters are worn, renewed for expired ids, and larger than need.
    counts = [*range(100, 1_500, 50), *range(1_500, 100, -100)]
    ends = np.cumsum([0, *counts]).tolist()
    for hour, count in enumerate(counts):
        kept_from = max(0, hour - KEPT_HOURS)
        for ids in np.array_split(numbered(ends[hour], ends[hour + 1]), 1 + count // 100):
            freeze(frozen, ids.tolist(), hour)
            for _ in range(rng.integers(6)):
                frozen.tidy(kept_from)
            known = numbered(ends[kept_from], ends[hour])
            found = frozen.find(known)
            assert len(found) == len(known)
            assert found.keys() <= set(known.tolist())


def test_filter_keeps_nearly_all_unknown_ids_from_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_ids, "YOUNG_IDS", (500, 4_000))
    monkeypatch.setattr(frozen_ids, "LEAF_IDS", 8_000)
    monkeypatch.setattr(id_filter, "LEAST_WORDS", 500)
    frozen = FrozenIds()
    per_hour = 4_000
    shares = []
    for hour in range(60):
        for start in range(hour * per_hour, (hour + 1) * per_hour, 200):
            freeze(frozen, numbered(start, start + 200).tolist(), hour)
            frozen.tidy(hour - 24)
        shares.append(share_searched_for(frozen))
        assert frozen.nbytes < 16 * min(hour + 1, 24) * per_hour + 16_384
    assert max(shares) < 0.025
    assert sum(shares) / len(shares) < 0.015


def test_filter_knows_of_what_was_loaded_and_of_nothing_else() -> None:
    frozen = FrozenIds()
    for start in range(0, 100_000, 20_000):
        ids = numbered(start, start + 20_000)
        frozen.load(ids, np.full(len(ids), 7), 0)
    frozen.end_loading()
    known = numbered(0, 100_000)
    assert frozen.find(known) == dict.fromkeys(known.tolist(), 7)
    assert share_searched_for(frozen) < 0.009
    assert frozen.nbytes == 11 * 100_000
