from array import array
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tables import dedupe as dedupe_module
from tables import frozen_ids
from tables.dedupe import HOUR_MS, Dedupe, digest_of

HOURS = 24
A, B, C = (digest_of(event_id) for event_id in "abc")
NOTHING: Mapping[int, int] = {}


@pytest.fixture
def tiny_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits so small that a few ids go through every level, and leaves are halved."""
    monkeypatch.setattr(dedupe_module, "RECENT_IDS", 4)
    monkeypatch.setattr(dedupe_module, "_LOAD_IDS", (4, 8))
    monkeypatch.setattr(frozen_ids, "YOUNG_IDS", (6, 12))
    monkeypatch.setattr(frozen_ids, "LEAF_IDS", 8)


def take_in(dedupe: Dedupe, digests: list[int], clock_ms: int) -> list[bool]:
    """One fold with one server time."""
    dedupe.forget_before(clock_ms)
    dedupe.tidy()
    recalled = dedupe.recall(digests)
    return [dedupe.add(digest, clock_ms, recalled) for digest in digests]


def ids_in(piece: bytes) -> list[int]:
    ids = array("Q")
    ids.frombytes(piece)
    return ids.tolist()


def cut_of(dedupe: Dedupe) -> list[tuple[int, list[int]]]:
    return [(hour, ids_in(piece)) for hour, piece in dedupe.cut()]


def test_repeated_id_is_known() -> None:
    dedupe = Dedupe(HOURS)
    assert take_in(dedupe, [A, A, B], 0) == [True, False, True]
    assert take_in(dedupe, [B, C], 1) == [False, True]
    assert len(dedupe) == 3


def test_duplicate_does_not_refresh_an_id() -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [A], 0)
    assert take_in(dedupe, [A], 23 * HOUR_MS) == [False]
    assert take_in(dedupe, [A], 25 * HOUR_MS) == [True]
    assert dedupe.hours() == [25]


@given(st.integers(0, 10 * HOUR_MS), st.integers(0, 40 * HOUR_MS))
def test_id_is_remembered_for_24_hours_at_least_and_25_at_most(seen_ms: int, age_ms: int) -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [A], seen_ms)
    dedupe.forget_before(seen_ms + age_ms)
    if age_ms <= 24 * HOUR_MS:
        assert len(dedupe) == 1
    if age_ms >= 25 * HOUR_MS:
        assert len(dedupe) == 0


@pytest.mark.usefixtures("tiny_runs")
def test_frozen_id_that_was_forgotten_is_new_within_the_same_fold() -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [A, *range(1000, 1100)], 0)
    dedupe.tidy()
    recalled = dedupe.recall([A])
    assert recalled == {A: 0}
    dedupe.forget_before(25 * HOUR_MS)
    assert dedupe.add(A, 25 * HOUR_MS, recalled)
    assert not dedupe.add(A, 25 * HOUR_MS, recalled)
    assert dedupe.ids_of(0) == b""
    assert ids_in(dedupe.ids_of(25)) == [A]


@pytest.mark.usefixtures("tiny_runs")
def test_ids_on_their_way_into_leaves_that_all_expired_are_known() -> None:
    dedupe = Dedupe(1)
    take_in(dedupe, list(range(9)), 0)
    take_in(dedupe, [], 0)
    take_in(dedupe, [6], 4 * HOUR_MS)
    take_in(dedupe, [4, 5, 7], 5 * HOUR_MS)
    assert take_in(dedupe, [4], 5 * HOUR_MS) == [False]


def test_cut_holds_what_was_added_since_the_last_confirmed_one() -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [B, A], HOUR_MS)
    assert cut_of(dedupe) == [(1, [B, A])]
    take_in(dedupe, [C], 2 * HOUR_MS)
    assert cut_of(dedupe) == [(1, [B, A]), (2, [C])]
    take_in(dedupe, [7, A], 2 * HOUR_MS)
    dedupe.confirm()
    assert cut_of(dedupe) == [(2, [7])]
    dedupe.confirm()
    assert dedupe.cut() == []
    assert (len(dedupe), dedupe.hours()) == (4, [1, 2])


def test_confirming_twice_confirms_nothing_that_was_not_cut() -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [A], 0)
    dedupe.cut()
    take_in(dedupe, [B], 0)
    dedupe.confirm()
    dedupe.confirm()
    assert cut_of(dedupe) == [(0, [B])]


def test_forgotten_hours_are_not_cut() -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [A], 0)
    dedupe.cut()
    take_in(dedupe, [B], 25 * HOUR_MS)
    dedupe.confirm()
    assert cut_of(dedupe) == [(25, [B])]


def test_pieces_are_little_endian() -> None:
    dedupe = Dedupe(HOURS)
    take_in(dedupe, [2, 1], 0)
    one, two = b"\1" + bytes(7), b"\2" + bytes(7)
    assert dedupe.cut() == [(0, two + one)]
    assert dedupe.ids_of(0) == one + two


def test_loaded_ids_are_known_and_confirmed() -> None:
    dedupe = Dedupe(HOURS)
    dedupe.load(3, array("Q", [B, A]).tobytes())
    dedupe.load(2, array("Q", [C]).tobytes())
    dedupe.load(3, array("Q", [A]).tobytes())
    assert (len(dedupe), dedupe.hours(), dedupe.cut()) == (3, [2, 3], [])
    assert ids_in(dedupe.ids_of(3)) == sorted([A, B])
    assert take_in(dedupe, [A, B, C, 5], 3 * HOUR_MS) == [False, False, False, True]
    assert cut_of(dedupe) == [(3, [5])]


def test_of_an_id_loaded_for_two_hours_the_newer_one_counts() -> None:
    dedupe = Dedupe(HOURS)
    for hour in (7, 40, 12):
        dedupe.load(hour, array("Q", [A]).tobytes())
    dedupe.forget_before(40 * HOUR_MS)
    assert (len(dedupe), dedupe.hours()) == (1, [40])
    assert dedupe.recall([A]) == {A: 40}


@pytest.mark.usefixtures("tiny_runs")
@pytest.mark.parametrize("hours", [(7, 40), (40, 7)])
def test_newer_hour_counts_in_whichever_order_a_big_restore_comes_upon_it(
    hours: tuple[int, int],
) -> None:
    dedupe = Dedupe(HOURS)
    for place, hour in enumerate(hours):
        dedupe.load(hour, array("Q", [A, *range(place * 100, place * 100 + 50)]).tobytes())
    assert dedupe.recall([A]) == {A: 40}
    assert (len(ids_in(dedupe.ids_of(7))), len(ids_in(dedupe.ids_of(40)))) == (50, 51)
    assert len(dedupe) == 101


def test_piece_that_was_cut_short_is_refused() -> None:
    with pytest.raises(ValueError, match="9 bytes"):
        Dedupe(HOURS).load(0, bytes(9))


@pytest.mark.usefixtures("tiny_runs")
def test_hours_that_lie_centuries_apart_do_not_mix() -> None:
    dedupe = Dedupe(168)
    for hour in (0, 255, 256, 70_000, 5_000_000):
        clock_ms = hour * HOUR_MS
        ids = list(range(hour * 100, hour * 100 + 20))
        # Without forgetting anything: the runs must bear hours of any distance.
        for digests in ([A, *ids], ids):
            dedupe.tidy()
            recalled = dedupe.recall(digests)
            added = [dedupe.add(digest, clock_ms, recalled) for digest in digests]
        assert not any(added)
    assert dedupe.hours() == [0, 255, 256, 70_000, 5_000_000]
    assert len(ids_in(dedupe.ids_of(0))) == 21
    assert [len(ids_in(dedupe.ids_of(hour))) for hour in dedupe.hours()[1:]] == [20] * 4
    take_in(dedupe, [], 5_000_100 * HOUR_MS)
    assert len(dedupe) == 20


@pytest.mark.usefixtures("tiny_runs")
def test_memory_of_forgotten_ids_is_given_back() -> None:
    dedupe = Dedupe(HOURS)
    for start in range(0, 10_000, 100):
        take_in(dedupe, list(range(start, start + 100)), 0)
    dedupe.cut()
    dedupe.confirm()
    for hour in (0, 25):
        for _ in range(10_000):
            take_in(dedupe, [], hour * HOUR_MS)
        assert (len(dedupe) > 0) is (hour == 0)
        assert (dedupe.resident_bytes > 9 * 10_000) is (hour == 0)
    assert dedupe.resident_bytes < Dedupe(HOURS).resident_bytes + 4096


def test_frozen_id_takes_eleven_bytes() -> None:
    dedupe = Dedupe(HOURS)
    for start in range(0, 400_000, 1000):
        ids = [digest_of(str(number)) for number in range(start, start + 1000)]
        take_in(dedupe, ids, HOUR_MS * start // 20_000)
        dedupe.cut()
        dedupe.confirm()
    recent_bytes = 150 * (dedupe_module.RECENT_IDS + 1000)
    assert len(dedupe) == 400_000
    assert dedupe.resident_bytes - recent_bytes < 2 * 9 * 400_000
    for _ in range(100):
        dedupe.tidy()
    assert dedupe.resident_bytes - recent_bytes < 11 * 400_000 + 16_384


class Model:
    """What :class:`Dedupe` promises, as plainly as can be."""

    def __init__(self, hours: int) -> None:
        self.seen: dict[int, int] = {}
        self.unconfirmed: list[tuple[int, int]] = []
        self._hours = hours
        self._in_cut = 0

    def forget_before(self, clock_ms: int) -> None:
        oldest = clock_ms // HOUR_MS - self._hours
        self.seen = {digest: hour for digest, hour in self.seen.items() if hour >= oldest}
        for place, (hour, _) in reversed(list(enumerate(self.unconfirmed))):
            if hour < oldest:
                del self.unconfirmed[place]
                self._in_cut -= place < self._in_cut

    def add(self, digest: int, clock_ms: int) -> bool:
        if digest in self.seen:
            return False
        self.seen[digest] = clock_ms // HOUR_MS
        self.unconfirmed.append((clock_ms // HOUR_MS, digest))
        return True

    def cut(self) -> list[tuple[int, list[int]]]:
        self._in_cut = len(self.unconfirmed)
        by_hour: dict[int, list[int]] = {}
        for hour, digest in self.unconfirmed:
            by_hour.setdefault(hour, []).append(digest)
        return sorted(by_hour.items())

    def confirm(self) -> None:
        del self.unconfirmed[: self._in_cut]
        self._in_cut = 0

    def ids_of(self, hour: int) -> list[int]:
        return sorted(digest for digest, seen in self.seen.items() if seen == hour)


# Few different ids, so that most come again; at both ends of the range of a hash.
IDS = st.integers(0, 40).map(lambda n: n if n < 20 else (1 << 64) - n + 19)
RECORDS = st.lists(st.tuples(IDS, st.integers(0, 3)), max_size=12)
"""An id, and how many hours the clock moves before it."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fold"), RECORDS),
        st.tuples(st.just("jump"), st.sampled_from([1, 4, 5, 300, 70_000])),
        st.sampled_from([("cut", None), ("confirm", None), ("restore", None), ("look", None)]),
    ),
    max_size=40,
)


def restored(dedupe: Dedupe, hours: int, clock_ms: int) -> Dedupe:
    """Another object with the same ids, from small pieces in mixed order."""
    pieces = [
        (hour, ids[start : start + 24])
        for hour in dedupe.hours()
        for ids in [dedupe.ids_of(hour)]
        for start in range(0, len(ids), 24)
    ]
    other = Dedupe(hours)
    for hour, piece in sorted(pieces, key=lambda piece: piece[1]):
        other.load(hour, piece)
    other.forget_before(clock_ms)
    return other


@pytest.mark.usefixtures("tiny_runs")
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 6), STEPS)
def test_agrees_with_a_plain_model(hours: int, steps: list[tuple[str, Any]]) -> None:
    dedupe, model = Dedupe(hours), Model(hours)
    clock_ms = 0
    for step, what in steps:
        if step == "fold":
            dedupe.tidy()
            recalled = dedupe.recall([digest for digest, _ in what])
            for digest, moved_hours in what:
                clock_ms += moved_hours * HOUR_MS // 2
                dedupe.forget_before(clock_ms)
                model.forget_before(clock_ms)
                assert dedupe.add(digest, clock_ms, recalled) is model.add(digest, clock_ms)
        elif step == "jump":
            clock_ms += what * HOUR_MS
            dedupe.forget_before(clock_ms)
            model.forget_before(clock_ms)
        elif step == "cut":
            assert cut_of(dedupe) == model.cut()
        elif step == "confirm":
            dedupe.confirm()
            model.confirm()
        elif step == "restore":
            assert cut_of(dedupe) == model.cut()
            model.confirm()
            dedupe = restored(dedupe, hours, clock_ms)
        else:
            assert len(dedupe) == len(model.seen)
            assert dedupe.hours() == sorted(set(model.seen.values()))
            for hour in [*dedupe.hours(), clock_ms // HOUR_MS - hours - 1]:
                assert ids_in(dedupe.ids_of(hour)) == model.ids_of(hour)


def folds(records: list[tuple[int, int]], cuts: list[int]) -> Iterator[list[tuple[int, int]]]:
    places = sorted({min(cut, len(records)) for cut in cuts} | {0, len(records)})
    for start, end in pairwise(places):
        yield records[start:end]


@pytest.mark.usefixtures("tiny_runs")
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(IDS, st.integers(0, 3)), max_size=150),
    st.lists(st.integers(0, 150), max_size=30),
)
def test_folds_do_not_matter(records: list[tuple[int, int]], cuts: list[int]) -> None:
    outcomes = []
    for divided in ([records], list(folds(records, cuts))):
        dedupe = Dedupe(2)
        clock_ms = 0
        added = []
        for fold in divided:
            dedupe.tidy()
            recalled = dedupe.recall([digest for digest, _ in fold])
            for digest, moved_hours in fold:
                clock_ms += moved_hours * HOUR_MS // 3
                dedupe.forget_before(clock_ms)
                added.append(dedupe.add(digest, clock_ms, recalled))
        outcomes.append((added, len(dedupe), dedupe.hours(), dedupe.cut()))
    assert outcomes[0] == outcomes[1]


@pytest.mark.usefixtures("tiny_runs")
def test_big_restore_knows_every_id_of_its_hours() -> None:
    known = {hour: [digest_of(f"{hour}-{number}") for number in range(50)] for hour in range(20)}
    dedupe = Dedupe(HOURS)
    for hour in reversed(known):
        for digest in known[hour]:
            dedupe.load(hour, array("Q", [digest]).tobytes())
    for hour, ids in known.items():
        assert ids_in(dedupe.ids_of(hour)) == sorted(ids)
        assert dedupe.recall(ids) == dict.fromkeys(ids, hour)
    assert dedupe.recall([digest_of("another")]) == NOTHING
