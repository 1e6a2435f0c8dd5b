"""What an ended view says of its content."""

import pytest

from models.content_figures import (
    ENDED_VIEWS,
    MEASURED_VIEWS,
    QOE_LIMITED_SKIPS,
    SKIPS,
    WATCHED_BASIS_POINTS,
    new_content_figures,
)
from models.dimensions import Slices
from models.ended_views import add_ended, ended_view
from models.views import NEVER, OPEN, REPLACED, SWIPED, EndedView, View

STARTED_MS = 1_000


def view(**known: object) -> View:
    """A view with a first frame at :data:`STARTED_MS`, swiped away a minute later."""
    slices = Slices(())
    made = View(0, "v", "c", "s", None, None, STARTED_MS, "e", STARTED_MS, slices, ())
    values = {
        "started_at_ms": STARTED_MS,
        "startup_ms": 400,
        "ended_by": SWIPED,
        "ended_at_ms": STARTED_MS + 60_000,
    }
    for name, value in (values | known).items():
        setattr(made, name, value)
    return made


def after(shown_ms: int) -> int:
    return STARTED_MS + shown_ms


@pytest.mark.parametrize("known", [{"ended_by": OPEN}, {"started_at_ms": NEVER}])
def test_only_started_views_that_ended_count(known: dict[str, object]) -> None:
    assert ended_view(view(**known)) is None


@pytest.mark.parametrize(
    ("known", "skip", "qoe_limited"),
    [
        ({"ended_at_ms": after(2_000)}, True, False),
        ({"ended_at_ms": after(2_001)}, False, False),
        ({"ended_at_ms": after(100), "ended_by": REPLACED}, False, False),
        ({"ended_at_ms": after(1_900), "completed": True}, False, False),
        ({"ended_at_ms": after(1_900), "rebuffers": 1}, True, True),
        ({"ended_at_ms": after(1_900), "startup_ms": 2_000}, True, False),
        ({"ended_at_ms": after(1_900), "startup_ms": 2_001}, True, True),
        ({"rebuffers": 3, "startup_ms": 9_000}, False, False),
    ],
)
def test_a_skip_is_a_swipe_within_2_s_and_limited_by_a_stall_or_a_slow_start(
    known: dict[str, object], skip: bool, qoe_limited: bool
) -> None:
    assert ended_view(view(**known)) == EndedView(skip, qoe_limited, -1)


@pytest.mark.parametrize(
    ("watch_ms", "duration_ms", "basis_points"),
    [
        (0, 0, -1),
        (0, 30_000, 0),
        (10, 30, 3_333),
        (30_000, 30_000, 10_000),
        (90, 30, 10_000),
    ],
)
def test_what_was_watched_is_a_share_of_the_duration_and_1_at_most(
    watch_ms: int, duration_ms: int, basis_points: int
) -> None:
    ended = ended_view(view(watch_ms=watch_ms, duration_ms=duration_ms))
    assert ended == EndedView(False, False, basis_points)


def test_an_ended_view_is_taken_out_as_it_was_added() -> None:
    figures = new_content_figures()
    add_ended(figures, EndedView(True, True, 3_399), 1)
    add_ended(figures, EndedView(False, False, -1), 1)
    assert figures.sums[ENDED_VIEWS] == 2
    assert figures.sums[SKIPS] == figures.sums[QOE_LIMITED_SKIPS] == 1
    assert figures.sums[MEASURED_VIEWS] == 1
    assert figures.sums[WATCHED_BASIS_POINTS] == 3_399
    assert figures.watched == {33: 1}
    add_ended(figures, EndedView(True, True, 3_399), -1)
    add_ended(figures, EndedView(False, False, -1), -1)
    assert figures == new_content_figures()


def test_a_view_that_is_only_taken_out_leaves_a_negative_gain() -> None:
    figures = new_content_figures()
    add_ended(figures, EndedView(False, False, 5_000), -1)
    assert figures.sums[ENDED_VIEWS] == -1
    assert figures.watched == {50: -1}


def test_what_is_watched_of_a_content_is_its_own() -> None:
    one, other = new_content_figures(), new_content_figures()
    add_ended(one, EndedView(False, False, 5_000), 1)
    assert (one.watched, other.watched, new_content_figures().watched) == ({50: 1}, {}, {})
