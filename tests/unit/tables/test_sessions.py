"""What one viewer's views are kept in."""

from models.dimensions import SliceTable
from models.marks import OTHER, Mark
from models.views import SWIPED, View
from tables.sessions import Session

_SLICES = SliceTable().get((None,) * 8)


def view(number: int, content_id: str, opened_at_ms: int, ended_by: str) -> View:
    nobody = None, None, None
    fresh = View(
        number, "s", content_id, *nobody, opened_at_ms, "e", 0, _SLICES, context=(None,) * 5
    )
    fresh.ended_by = ended_by
    return fresh


def test_restored_session_has_its_views_in_the_order_that_they_had() -> None:
    session = Session("s")
    first, second = view(0, "a", 10, SWIPED), view(1, "a", 20, SWIPED)
    for known in (first, second, view(2, "b", 30, "")):
        session.add(known)
    second.opened_at_ms = 5
    restored = Session("s")
    for known in session.all_views():
        restored.restore(known)
    assert [known.number for known in restored.all_views()] == [0, 1, 2]
    assert restored.views == 3
    assert restored.views_of("a") == session.views_of("a")


def test_view_is_taken_out_once() -> None:
    session = Session("s")
    ended = view(0, "a", 10, SWIPED)
    session.add(ended)
    assert session.remove(ended)
    assert not session.remove(ended)
    assert (session.views, session.waiting) == (0, {})


def test_old_marks_are_forgotten_up_to_the_first_that_came_in_since() -> None:
    session = Session("s")
    for number, arrived_ms in enumerate((10, 20, 90, 30)):
        session.add_mark(Mark(OTHER, number, arrived_ms, "a", str(number), 0))
    session.forget_first_old_marks(40)
    assert [mark.event_id for mark in session.marks.values()] == ["2", "3"]
    assert (session.forgotten_at_ms, session.marks_from_ms) == (1, 40)
    session.add_mark(Mark(OTHER, 5, 95, "a", "4", 0))
    session.forget_marks(40)
    assert [mark.event_id for mark in session.marks.values()] == ["2", "4"]
    assert [mark.event_id for mark in session.marks_after(2)] == ["4"]
    assert session.forgotten_at_ms == 3
