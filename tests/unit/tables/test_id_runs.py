import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.id_runs import IdRun, run_of

IDS = st.one_of(st.integers(0, 20), st.integers(0, (1 << 64) - 1))
OF_ONE_HOUR = st.dictionaries(IDS, st.just(7), max_size=40)
OF_MANY_HOURS = st.dictionaries(IDS, st.sampled_from([7, 8, 300, 70_000]), max_size=40)
HELD = st.one_of(OF_ONE_HOUR, OF_MANY_HOURS)


def run_with(held: dict[int, int]) -> IdRun:
    return run_of(np.array(list(held), dtype=np.uint64), np.array(list(held.values()), np.int64))


@given(HELD, HELD)
def test_merged_run_has_the_ids_of_both_in_order_with_the_newer_hours(
    one: dict[int, int], other: dict[int, int]
) -> None:
    merged = run_with(one).merged(run_with(other))
    hours = (merged.first_hour + merged.offsets.astype(np.int64)).tolist()
    expected = {digest: max(one.get(digest, 0), other.get(digest, 0)) for digest in one | other}
    assert list(zip(merged.ids.tolist(), hours, strict=True)) == sorted(expected.items())
