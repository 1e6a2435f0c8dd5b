"""Opens, ends and publishes the views of one partition."""

from collections.abc import Callable

from models.checked_events import CheckedEvent
from models.marks import Mark
from models.views import NEVER, OPEN, REPLACED, SWIPED, TIMED_OUT, View
from tables.counters import PARTITION_LIMIT, VIEWER_LIMIT, Counters
from tables.marks import End
from tables.rules import PartitionRules
from tables.session_changes import SessionChanges
from tables.sessions import Session
from tables.timers import ViewTimers
from tables.view_events import ViewEvents
from tables.view_figures import ViewFigures

MARKS_PER_VIEW = 4
"""So many marks of one viewer are remembered for each view that it may have."""


class ViewLives:
    """The viewers of one partition, and the timers of their views.

    Args:
        publish: called with each view that is over for good and the server time.
    """

    def __init__(
        self,
        rules: PartitionRules,
        events: ViewEvents,
        figures: ViewFigures,
        counters: Counters,
        publish: Callable[[View, int], None],
    ) -> None:
        self._rules = rules
        self._events = events
        self._figures = figures
        self._counters = counters
        self._publish = publish
        self._timers = ViewTimers()
        self.sessions: dict[str, Session] = {}
        self.changes = SessionChanges()
        self.clock_ms = NEVER
        self.open_views = 0
        self.opened = 0
        """How many views were ever opened: the number of the next one."""

    def move_clock(self, clock_ms: int) -> None:
        """Go on to ``clock_ms``, firing each timer that is due by then at its own time."""
        while (view := self._timers.pop_due(clock_ms)) is not None:
            self.clock_ms = view.due_ms
            if view.ended_by == OPEN:
                self._time_out(view)
            else:
                self._finish(view)
        self.clock_ms = clock_ms

    def forget_old_marks(self, session: Session) -> None:
        """Forget the marks that are not needed any more."""
        session.forget_first_old_marks(self.clock_ms - self._rules.straggler_ms)

    def restore(self, session: Session) -> None:
        """Timers and counts follow from the views of a viewer that was loaded."""
        self.open_views += len(session.open)
        for view in session.all_views():
            if view.ended_by == OPEN:
                self._set_timeout(view, view.last_clock_ms + self._rules.timeout_ms)
            else:
                self._set_publication(view)

    def open(
        self,
        session: Session,
        event: CheckedEvent,
        event_id: str,
        content_id: str,
        at_ms: int,
        end: End | None = None,
    ) -> View:
        """A new view, opened by an event; ended at once where ``end`` came in before it."""
        shared = self._events.shared(event.context)
        view = View(
            self._next_number(),
            session.viewer,
            content_id,
            None if event.session_id is None else session.viewer,
            event.device_id,
            event.user_id,
            at_ms,
            event_id,
            self.clock_ms,
            shared.slices,
            shared.context,
        )
        self._add(session, view, end)
        return view

    def split(self, session: Session, view: View, opening: Mark, end: End | None) -> View:
        """The next view of the same viewer and content, which ``view`` was one with so far."""
        later = View(
            self._next_number(),
            session.viewer,
            view.content_id,
            view.session_id,
            view.device_id,
            view.user_id,
            opening.at_ms,
            opening.event_id,
            self.clock_ms,
            view.slices,
            view.context,
        )
        self._add(session, later, end)
        return later

    def end(self, session: Session, view: View, end: End) -> None:
        """An open view ended."""
        self.changes.touch(session)
        view.touched = True
        self._set_end(view, end)
        session.wait(view)
        self.open_views -= 1
        self._figures.recount_end(view)

    def leave(self, session: Session, view: View, end: End) -> None:
        """The viewer left ``view``, which is news or, of a view that ended, may be."""
        if view.ended_by == OPEN:
            self.end(session, view, end)
        elif end.at_ms < view.ended_at_ms or (end.how == SWIPED and view.ended_by == REPLACED):
            view.ended_by = end.how
            view.ended_at_ms = min(view.ended_at_ms, end.at_ms)
            view.next_content_id = end.next_content_id

    def make_room(self, session: Session) -> None:
        """Keep to the limits before one more view is opened.

        Where a viewer has too many, the one that waits longest is published, or else the oldest
        open one ends; where the partition has too many open, the one that is quiet longest.
        """
        if session.views >= self._rules.views_per_viewer:
            self._counters.cut_short[VIEWER_LIMIT] += 1
            first = session.longest_waiting()
            if first is None:
                first = next(iter(session.open.values()))
                self.end(session, first, End(TIMED_OUT, self.clock_ms, None))
            session.remove(first)
            self._publish_removed(session, first)
        if len(session.marks) >= MARKS_PER_VIEW * self._rules.views_per_viewer:
            session.forget_first_marks(len(session.marks) // 2)
        if self.open_views >= self._rules.open_views:
            self._counters.cut_short[PARTITION_LIMIT] += 1
            self._end_quietest()

    def forget_if_idle(self, session: Session) -> None:
        """Forget a viewer without a view, and without an event in the panes that are kept."""
        if session.active_pane_ms == NEVER and not session.views:
            self.sessions.pop(session.viewer, None)

    def _next_number(self) -> int:
        self.opened += 1
        return self.opened - 1

    def _add(self, session: Session, view: View, end: End | None) -> None:
        if end is None:
            self.open_views += 1
            self._set_timeout(view, self.clock_ms + self._rules.timeout_ms)
        else:
            self._set_end(view, end)
        session.add(view)

    def _set_end(self, view: View, end: End) -> None:
        view.ended_by = end.how
        view.ended_at_ms = end.at_ms
        view.next_content_id = end.next_content_id
        view.ended_clock_ms = self.clock_ms
        self._set_publication(view)

    def _set_timeout(self, view: View, due_ms: int) -> None:
        self._timers.set_timeout(view, due_ms, self.open_views)

    def _set_publication(self, view: View) -> None:
        self._timers.set_publication(view, view.ended_clock_ms + self._rules.straggler_ms)

    def _time_out(self, view: View) -> None:
        """End an open view whose timer fired, if it has been without events for so long."""
        quiet_until_ms = view.last_clock_ms + self._rules.timeout_ms
        if quiet_until_ms > view.due_ms:
            self._set_timeout(view, quiet_until_ms)
        else:
            self.end(self.sessions[view.viewer], view, End(TIMED_OUT, self.clock_ms, None))

    def _end_quietest(self) -> None:
        """End the open view that has been without events for longest."""
        while (view := self._timers.pop_timeout()) is not None:
            self._time_out(view)
            if view.ended_by != OPEN:
                return

    def _finish(self, view: View) -> None:
        session = self.sessions.get(view.viewer)
        if session is None:
            return
        self.changes.touch(session)
        if session.remove(view):
            self._publish_removed(session, view)
            self.forget_old_marks(session)
            self.forget_if_idle(session)

    def _publish_removed(self, session: Session, view: View) -> None:
        if view.is_attempt():
            self._counters.views[view.outcome()] += 1
            self._publish(view, self.clock_ms)
