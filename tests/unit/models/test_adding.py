"""Adding sums and bucket counts."""

from models.adding import add_counts, add_sums


def test_emptied_bucket_is_dropped_and_a_count_of_zero_leaves_no_trace() -> None:
    counts = {1: 2, 2: 5}
    add_counts(counts, {1: -2, 2: 1, 7: 0}, 1)
    assert counts == {2: 6}


def test_what_was_added_is_taken_out_again() -> None:
    counts = {1: 2}
    sums = [5, 0, -1]
    for sign in (1, -1):
        add_counts(counts, {1: 3, 4: 1}, sign)
        add_sums(sums, [1, 0, 1], sign)
    assert counts == {1: 2}
    assert sums == [5, 0, -1]
    add_sums(sums, [1, 0, 1], 1)
    assert sums == [6, 0, 0]
