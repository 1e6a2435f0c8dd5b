from hypothesis import given
from hypothesis import strategies as st

from tables.dedupe import HOUR_MS, Dedupe

HOURS = 24


def test_repeated_id_is_known() -> None:
    dedupe = Dedupe(HOURS)
    assert dedupe.add("a", 0)
    assert not dedupe.add("a", 1)
    assert dedupe.add("b", 1)
    assert len(dedupe) == 2


def test_duplicate_does_not_refresh_an_id() -> None:
    dedupe = Dedupe(HOURS)
    dedupe.add("a", 0)
    assert not dedupe.add("a", 23 * HOUR_MS)
    dedupe.forget_before(25 * HOUR_MS)
    assert dedupe.add("a", 25 * HOUR_MS)


@given(st.integers(0, 10 * HOUR_MS), st.integers(0, 40 * HOUR_MS))
def test_id_is_remembered_for_24_hours_at_least_and_25_at_most(seen_ms: int, age_ms: int) -> None:
    dedupe = Dedupe(HOURS)
    dedupe.add("a", seen_ms)
    dedupe.forget_before(seen_ms + age_ms)
    if age_ms <= 24 * HOUR_MS:
        assert len(dedupe) == 1
    if age_ms >= 25 * HOUR_MS:
        assert len(dedupe) == 0
