"""Playing time from positions and totals, counted once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import playing
from models.views import View
from tests.unit.models.test_views import view

T0 = 1_700_000_000_000
S = 1_000


def started(duration_s: int = 60) -> View:
    """A view of a minute-long content whose first frame was at T0."""
    subject = view(duration_ms=duration_s * S)
    playing.start(subject, T0)
    return subject


def advance(subject: View, position_s: float, at_s: float) -> float:
    """Seconds played by a report of a position, and the same kept in the view's total."""
    before_ms = subject.watch_ms
    played_ms = playing.advance(subject, round(position_s * S), T0 + round(at_s * S))
    assert subject.watch_ms == before_ms + played_ms
    return played_ms / S


def correct(subject: View, watch_s: float, at_s: float) -> float:
    before_ms = subject.watch_ms
    correction_ms = playing.correct(subject, round(watch_s * S), T0 + round(at_s * S))
    assert subject.watch_ms == before_ms + correction_ms
    return correction_ms / S


def test_steady_playing_counts_as_it_passes() -> None:
    subject = started()
    assert [advance(subject, second, second) for second in (5, 10, 15)] == [5, 5, 5]
    assert subject.watch_ms == 15_000


def test_first_position_of_a_view_without_a_first_frame_only_marks_the_place() -> None:
    subject = view()
    assert advance(subject, 40, 0) == 0
    assert advance(subject, 45, 5) == 5


def test_later_first_frame_does_not_move_the_place() -> None:
    subject = view(duration_ms=60 * S)
    assert advance(subject, 5, 5) == 0
    playing.start(subject, T0)
    assert advance(subject, 10, 10) == 5


def test_seek_forward_counts_no_more_than_the_time_it_took() -> None:
    subject = started()
    assert advance(subject, 5, 5) == 5
    assert advance(subject, 50, 8) == 3


def test_seek_back_counts_nothing() -> None:
    subject = started()
    assert advance(subject, 30, 30) == 30
    assert advance(subject, 10, 35) == 0
    assert advance(subject, 15, 40) == 5


def test_pause_counts_nothing() -> None:
    subject = started()
    assert advance(subject, 5, 5) == 5
    assert advance(subject, 5, 300) == 0
    assert advance(subject, 10, 305) == 5


def test_slow_motion_counts_the_position_and_fast_forward_the_time() -> None:
    subject = started()
    assert advance(subject, 5, 10) == 5
    assert advance(subject, 15, 15) == 5


def test_loop_counts_across_the_end() -> None:
    subject = started(duration_s=20)
    assert advance(subject, 18, 18) == 18
    assert advance(subject, 3, 23) == 5
    assert advance(subject, 8, 28) == 5


def test_loop_may_come_a_little_early_but_counts_only_the_time_that_passed() -> None:
    subject = started(duration_s=20)
    assert advance(subject, 18, 18) == 18
    assert advance(subject, 4, 22) == 4
    assert advance(subject, 19, 37) == 15
    assert advance(subject, 5, 40) == 0


def test_stall_in_the_stretch_is_no_playing_time() -> None:
    subject = started()
    assert advance(subject, 5, 5) == 5
    playing.stall(subject, 2 * S, T0 + 8 * S)
    playing.stall(subject, 1 * S, T0 + 10 * S)
    assert advance(subject, 20, 15) == 7
    assert advance(subject, 25, 20) == 5, "the stalls were of the stretch before"


def test_stall_longer_than_the_stretch_leaves_nothing() -> None:
    subject = started()
    assert advance(subject, 5, 5) == 5
    playing.stall(subject, 60 * S, T0 + 8 * S)
    assert advance(subject, 7, 10) == 0


def test_stall_before_the_last_report_or_the_first_is_left_alone() -> None:
    subject = started()
    assert advance(subject, 5, 5) == 5
    playing.stall(subject, 4 * S, T0 + 4 * S)
    assert advance(subject, 10, 10) == 5
    fresh = view()
    playing.stall(fresh, 4 * S, T0)
    assert fresh.stall_since_anchor_ms == 0


def test_late_report_adds_nothing() -> None:
    subject = started()
    assert advance(subject, 10, 10) == 10
    assert advance(subject, 5, 5) == 0
    assert advance(subject, 12, 10) == 0
    assert advance(subject, 15, 15) == 5


@pytest.mark.parametrize(("watch_s", "correction_s"), [(12, 2), (10, 0), (8, -2), (0, -10)])
def test_total_of_the_player_replaces_the_estimate(watch_s: int, correction_s: int) -> None:
    subject = started()
    advance(subject, 10, 10)
    assert correct(subject, watch_s, 12) == correction_s
    assert subject.watch_ms == watch_s * S


def test_repeated_total_corrects_nothing() -> None:
    subject = started()
    advance(subject, 10, 10)
    assert correct(subject, 12, 12) == 2
    assert correct(subject, 12, 13) == 0
    assert subject.watch_ms == 12_000


def test_smaller_total_takes_nothing_back_that_was_confirmed() -> None:
    subject = started()
    assert correct(subject, 30, 30) == 30
    assert correct(subject, 4, 34) == 0
    assert correct(subject, 31, 35) == 1


def test_total_of_an_earlier_moment_takes_nothing_of_a_later_one() -> None:
    subject = started()
    advance(subject, 20, 20)
    assert correct(subject, 10, 10) == 0
    assert subject.watch_ms == 20_000


def test_report_that_a_total_already_covers_adds_nothing() -> None:
    subject = started()
    advance(subject, 25, 25)
    assert correct(subject, 30, 30) == 5
    assert advance(subject, 28, 28) == 0
    assert advance(subject, 30, 30) == 0
    assert subject.watch_ms == 30_000


def test_total_that_comes_in_before_everything_else_is_not_added_to() -> None:
    subject = view(duration_ms=60 * S)
    assert correct(subject, 30, 30) == 30
    playing.start(subject, T0)
    assert [advance(subject, second, second) for second in (5, 10, 30)] == [0, 0, 0]
    assert subject.watch_ms == 30_000


def test_playing_goes_on_after_a_completion_that_loops() -> None:
    subject = started(duration_s=20)
    advance(subject, 18, 18)
    assert correct(subject, 20, 20) == 2
    playing.reach_end(subject, T0 + 20 * S, looped=True)
    assert advance(subject, 5, 25) == 5
    assert subject.watch_ms == 25_000


def test_playing_over_again_counts_after_a_completion_that_stops() -> None:
    subject = started(duration_s=20)
    advance(subject, 18, 18)
    assert correct(subject, 20, 20) == 2
    playing.reach_end(subject, T0 + 20 * S, looped=False)
    assert advance(subject, 20, 24) == 0
    assert advance(subject, 5, 30) == 5


def test_late_completion_leaves_the_place_of_later_reports() -> None:
    subject = started(duration_s=20)
    advance(subject, 18, 18)
    advance(subject, 5, 25)
    playing.reach_end(subject, T0 + 20 * S, looped=True)
    assert advance(subject, 10, 30) == 5


reports = st.lists(
    st.tuples(
        st.sampled_from(["advance", "stall", "correct", "end", "loop"]),
        st.integers(0, 300 * S),
        st.integers(0, 120 * S),
    ),
    max_size=25,
)


@given(reports)
def test_advances_never_exceed_the_time_that_passed(moves: list[tuple[str, int, int]]) -> None:
    subject = started()
    for kind, at_ms, amount_ms in moves:
        if kind == "advance":
            assert playing.advance(subject, amount_ms, T0 + at_ms) >= 0
        elif kind == "stall":
            playing.stall(subject, amount_ms, T0 + at_ms)
        elif kind != "correct":
            playing.reach_end(subject, T0 + at_ms, looped=kind == "loop")
    assert 0 <= subject.watch_ms <= max([at_ms for _, at_ms, _ in moves], default=0)


@given(reports)
def test_total_follows_its_changes_and_never_falls_below_what_was_confirmed(
    moves: list[tuple[str, int, int]],
) -> None:
    subject = started()
    counted_ms = 0
    confirmed_ms = 0
    for kind, at_ms, amount_ms in moves:
        if kind == "advance":
            counted_ms += playing.advance(subject, amount_ms, T0 + at_ms)
        elif kind == "stall":
            playing.stall(subject, amount_ms, T0 + at_ms)
        elif kind == "correct":
            correction_ms = playing.correct(subject, amount_ms, T0 + at_ms)
            counted_ms += correction_ms
            confirmed_ms = max(confirmed_ms, subject.watch_floor_ms)
        assert subject.watch_ms == counted_ms
        assert subject.watch_ms >= confirmed_ms


@given(st.permutations(range(1, 13)), st.integers(0, 12))
def test_last_word_of_the_player_is_the_total_in_any_order(order: list[int], place: int) -> None:
    subject = started()
    for index, step in enumerate(order):
        if index == place:
            correct(subject, 61, 61)
        advance(subject, step * 5, step * 5)
    if place == 12:
        correct(subject, 61, 61)
    assert subject.watch_ms == 61_000


@given(st.floats(0, 10_000_000_000) | st.integers(0, 20_000_000).map(lambda n: n / 2000))
def test_milliseconds_are_rounded_as_python_rounds(seconds: float) -> None:
    assert playing.milliseconds(seconds) == round(seconds * 1000)
