"""Events that come in after later ones of their viewer: views become what they would have been.

An event in its turn opens a view, goes into one or ends some; that is `tables/views.py`. One that
comes late may show that the viewer had left in between, so what seemed to be one view was two, or
that something belongs to another view. So the marks after it are divided into views once more.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, cast

from models.checked_events import CheckedEvent
from models.events import SwipeData
from models.marks import COMPLETION, FIRST_FRAME, OTHER, SWIPE, TIMEOUT, Mark
from models.views import NEVER, OPEN, REPLACED, SWIPED, TIMED_OUT, View
from tables.marks import End, Stretch, divide, mark_kind, new_mark, opens_anew
from tables.panes import pane_of
from tables.sessions import Session
from tables.view_events import ViewEvents
from tables.view_figures import ViewFigures
from tables.view_lives import ViewLives

_at_ms: Final = attrgetter("at_ms")


class LateEvents:
    """Finds the view of a late event and puts right what its lateness had made wrong.

    Args:
        tail_ms: for how long a view that was left takes what does not begin another one.
        memory_ms: server time for which marks are remembered; an event of a time of which some are
            forgotten goes to the view that was on then, and nothing is divided anew.
    """

    def __init__(
        self,
        lives: ViewLives,
        events: ViewEvents,
        figures: ViewFigures,
        *,
        tail_ms: int,
        memory_ms: int,
    ) -> None:
        self._lives = lives
        self._events = events
        self._figures = figures
        self._tail_ms = tail_ms
        self._memory_ms = memory_ms

    def place(
        self,
        session: Session,
        event: CheckedEvent,
        event_id: str,
        content_id: str,
        at_ms: int,
    ) -> View:
        """The view that the event belongs to, with all views as they are with this event.

        The event itself is still to be applied to it: what it counts for is not counted here.
        """
        session.forget_marks(self._lives.clock_ms - self._memory_ms)
        if at_ms < session.forgotten_at_ms:
            return self._place_roughly(session, event, event_id, content_id, at_ms)
        before = session.before(content_id, at_ms)
        kind = mark_kind(event.kind)
        if kind == OTHER and before is not None and self._takes(before, at_ms):
            return before
        late = new_mark(event, event_id, content_id, at_ms, self._lives.clock_ms, NEVER)
        session.mark(late)
        self._divide_anew(session, content_id, before, late, event)
        if kind == FIRST_FRAME:
            for other in session.on_at(at_ms):
                if other.content_id != content_id:
                    self._divide_anew(session, other.content_id, other, late)
        return session.numbered(content_id)[late.view]

    def _takes(self, view: View, at_ms: int) -> bool:
        return view.ended_by == OPEN or at_ms < view.ended_at_ms + self._tail_ms

    def _divide_anew(
        self,
        session: Session,
        content_id: str,
        before: View | None,
        late: Mark,
        opening: CheckedEvent | None = None,
    ) -> None:
        """Divide the marks from ``late`` on into views; ``before`` is the view that comes first."""
        current = None
        if before is not None:
            current = Stretch(_end_by(before, late.at_ms))
        views = session.numbered(content_id)
        left = dict(views)
        later = [
            mark
            for mark in session.marks_after(late.at_ms)
            # What was published stands.
            if mark.content_id != content_id or mark.view in views
        ]
        later += _timeouts(views.values(), late.at_ms)
        later.sort(key=_at_ms)
        stretches = divide(content_id, [late, *later], self._tail_ms, current)
        if before is not None:
            del left[before.number]
        for stretch in stretches:
            if stretch is current and before is not None:
                self._settle(session, before, stretch, late, late.at_ms)
                continue
            first = stretch.marks[0]
            view = next((left.pop(m.view) for m in stretch.marks if m.view in left), None)
            if view is None and stretch.end is None and content_id in session.open:
                # The open one was opened by an event too late to be remembered.
                view = left.pop(session.open[content_id].number, None)
            if view is not None:
                view.opened_at_ms, view.opened_by = first.at_ms, first.event_id
            elif first is late and opening is not None:
                view = self._lives.open(
                    session, opening, first.event_id, content_id, first.at_ms, stretch.end
                )
            else:
                view = self._lives.split(session, views[first.view], first, stretch.end)
            self._settle(session, view, stretch, late, NEVER)

    def _settle(
        self, session: Session, view: View, stretch: Stretch, late: Mark, upto_ms: int
    ) -> None:
        """Make ``view`` what its marks say; what it knows from up to ``upto_ms`` stands."""
        for mark in stretch.marks:
            mark.view = view.number
            if mark is not late:
                self._note(view, mark)
        if not view.has_started() or view.started_at_ms > upto_ms:
            self._settle_start(view, stretch.first(FIRST_FRAME), late)
        if not view.completed or view.completed_at_ms > upto_ms:
            self._settle_completion(view, stretch.first(COMPLETION), late)
        end = stretch.end
        if end is not None:
            if view.ended_by == OPEN:
                self._lives.end(session, view, end)
            elif view.ended_by != TIMED_OUT or end.at_ms < view.ended_at_ms:
                view.ended_by = end.how
                view.ended_at_ms = end.at_ms
                view.next_content_id = end.next_content_id
        self._figures.recount_end(view)

    def _note(self, view: View, mark: Mark) -> None:
        if mark.impression is not None:
            self._events.show(view, mark.impression)
        elif mark.kind == SWIPE:
            view.tried = True
        elif mark.kind == OTHER:
            view.acted = True

    def _settle_start(self, view: View, first: Mark | None, late: Mark) -> None:
        if first is not None and first is not late and first.at_ms == view.started_at_ms:
            return
        self._figures.take_play_back(view)
        if first is not None and first is not late and first.first_frame is not None:
            self._events.start(view, first.first_frame, first.at_ms)
            self._figures.count_play(view, self._pane_of(first), view.slices)

    def _settle_completion(self, view: View, first: Mark | None, late: Mark) -> None:
        if first is not None and first is not late and view.completed:
            if first.at_ms == view.completed_at_ms:
                return
        self._figures.take_completion_back(view)
        if first is not None and first is not late:
            view.completed, view.completed_at_ms = True, first.at_ms
            self._figures.count_completion(view, self._pane_of(first), view.slices)

    def _pane_of(self, mark: Mark) -> int:
        return min(pane_of(mark.at_ms), pane_of(self._lives.clock_ms))

    def _place_roughly(
        self,
        session: Session,
        event: CheckedEvent,
        event_id: str,
        content_id: str,
        at_ms: int,
    ) -> View:
        """For events that are later than what is remembered: the view that was on then, or the
        next one; and views that were on then end there."""
        session.whole = True
        view = self._view_on(session, event, content_id, at_ms)
        if view is None:
            end = _next_first_frame(session, content_id, at_ms)
            view = self._lives.open(session, event, event_id, content_id, at_ms, end)
        elif at_ms < view.opened_at_ms:
            view.opened_at_ms, view.opened_by = at_ms, event_id
        if event.kind == SWIPE:
            to_content_id = cast(SwipeData, event.data).to_content_id
            self._lives.leave(session, view, End(SWIPED, at_ms, to_content_id))
        elif event.kind == FIRST_FRAME:
            for other in session.on_at(at_ms):
                if other.content_id != content_id:
                    self._lives.leave(session, other, End(REPLACED, at_ms, content_id))
                    self._figures.recount_end(other)
        return view

    def _view_on(
        self, session: Session, event: CheckedEvent, content_id: str, at_ms: int
    ) -> View | None:
        views = session.views_of(content_id)
        for view in views:
            if view.ended_by == OPEN or at_ms < view.ended_at_ms:
                return view
        if not views or opens_anew(mark_kind(event.kind)) or not self._takes(views[-1], at_ms):
            return None
        return views[-1]


def _timeouts(views: Iterable[View], after_ms: int) -> list[Mark]:
    """The time-outs of views as marks: they follow server time, and stand."""
    return [
        Mark(TIMEOUT, view.ended_at_ms, 0, view.content_id, "", view.number)
        for view in views
        if view.ended_by == TIMED_OUT and view.ended_at_ms > after_ms
    ]


def _end_by(view: View, at_ms: int) -> End | None:
    """The end of a view that had ended by then."""
    if view.ended_by == OPEN or view.ended_at_ms > at_ms:
        return None
    return End(view.ended_by, view.ended_at_ms, view.next_content_id)


def _next_first_frame(session: Session, content_id: str, at_ms: int) -> End | None:
    for mark in session.marks_after(at_ms):
        if mark.kind == FIRST_FRAME and mark.content_id != content_id:
            return End(REPLACED, mark.at_ms, mark.content_id)
    return None
