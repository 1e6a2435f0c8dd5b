"""Follows every view of one partition from its first event to its record."""

from collections.abc import Callable
from typing import Final, cast

from models.checked_events import CheckedEvent
from models.dimensions import Slices
from models.event_kinds import CUSTOM_EVENT
from models.events import SwipeData
from models.figures import ACTIVE_VIEWERS
from models.marks import FIRST_FRAME, OTHER, SWIPE
from models.views import NEVER, OPEN, REPLACED, SWIPED, View
from tables.content_gains import ContentGains
from tables.counters import Counters
from tables.late_events import LateEvents
from tables.marks import End, mark_kind, new_mark
from tables.panes import Gains, PaneStore
from tables.rules import PartitionRules
from tables.session_log import SessionLog
from tables.sessions import Session
from tables.view_events import ViewEvents
from tables.view_figures import ViewFigures
from tables.view_lives import ViewLives

MARKS_SLACK: Final = 3
"""Marks may be remembered longer by this part of the time that they have to be: so they are looked
at now and then, and not with each event."""


class ViewTracker:
    """The viewers of one partition.

    Args:
        publish: called with each view that is over for good and the server time.
    """

    def __init__(
        self,
        rules: PartitionRules,
        panes: PaneStore,
        contents: ContentGains,
        counters: Counters,
        publish: Callable[[View, int], None],
    ) -> None:
        self._panes = panes
        self._tail_ms = rules.tail_ms
        self._forget_after_ms = rules.straggler_ms + rules.straggler_ms // MARKS_SLACK
        self._figures = ViewFigures(panes, contents, counters)
        self._events = ViewEvents(counters, self._figures, contents)
        self._lives = ViewLives(rules, self._events, self._figures, counters, publish)
        self._late = LateEvents(
            self._lives,
            self._events,
            self._figures,
            tail_ms=rules.tail_ms,
            memory_ms=rules.straggler_ms,
        )
        self._sessions = self._lives.sessions
        self._sessions_by_pane: dict[int, list[Session]] = {}
        self._changes = self._lives.changes
        self.log = SessionLog(self._sessions, self._events.table, self._changes)

    @property
    def open_views(self) -> int:
        """How many views are open."""
        return self._lives.open_views

    @property
    def viewers(self) -> int:
        """How many viewers are remembered."""
        return len(self._sessions)

    def move_clock(self, clock_ms: int) -> None:
        """Go on to ``clock_ms``, ending and publishing the views that are due by then."""
        self._lives.move_clock(clock_ms)

    def forget_panes(self, starts: list[int]) -> None:
        """Forget the viewers whose last event lies in a pane that is gone."""
        for start in starts:
            for session in self._sessions_by_pane.pop(start, ()):
                if session.active_pane_ms == start:
                    self._changes.before(session)
                    session.active_pane_ms = NEVER
                    self._lives.forget_if_idle(session)

    @property
    def opened(self) -> int:
        """How many views were ever opened."""
        return self._lives.opened

    def restore(self, clock_ms: int, opened: int) -> None:
        """Make the viewers that the log has loaded go on from ``clock_ms``, after so many views.

        Timers and counts follow from the views; a viewer whose pane is gone by now and who has no
        view was forgotten without a word in the log.
        """
        self._lives.clock_ms = clock_ms
        self._lives.opened = opened
        for session in list(self._sessions.values()):
            if session.active_pane_ms <= self._panes.horizon_ms:
                session.active_pane_ms = NEVER
                self._lives.forget_if_idle(session)
            else:
                self._sessions_by_pane.setdefault(session.active_pane_ms, []).append(session)
            self._lives.restore(session)

    def follow(
        self, event: CheckedEvent, event_id: str, at_ms: int, pane_ms: int
    ) -> Session | None:
        """Take in one accepted event that happened at ``at_ms`` and counts in ``pane_ms``.

        Returns its viewer, where it names one.
        """
        gains = self._panes.gains(pane_ms)
        kind = event.kind
        session_id = event.session_id
        viewer = session_id if session_id is not None else _viewer_without_session(event)
        if viewer is None:
            self._events.count_alone(event, pane_ms, gains)
            return None
        session = self._sessions.get(viewer)
        if session is None:
            is_active = session_id is not None and pane_ms > self._panes.horizon_ms
            if kind == CUSTOM_EVENT and not is_active:
                # It opens no view, so there is nothing to remember.
                return None
            session = self._sessions[viewer] = Session(viewer)
        self._changes.touch(session)
        if kind == CUSTOM_EVENT:
            slices = self._touch(session, event)
        else:
            slices = self._follow_view(session, event, event_id, at_ms, pane_ms, gains)
        if session_id is not None and pane_ms > session.active_pane_ms:
            self._move_active(session, pane_ms, slices, gains)
        if session.active_pane_ms == NEVER:
            self._lives.forget_if_idle(session)
        return session

    def _follow_view(
        self,
        session: Session,
        event: CheckedEvent,
        event_id: str,
        at_ms: int,
        pane_ms: int,
        gains: Gains,
    ) -> Slices:
        kind = event.kind
        content_id = event.content_id
        marked_as = mark_kind(kind)
        in_turn = at_ms >= session.newest_at_ms
        if in_turn:
            newest = session.newest(content_id, marked_as, at_ms, self._tail_ms)
            if newest is None:
                self._lives.make_room(session)
                view = self._lives.open(session, event, event_id, content_id, at_ms)
                self._mark(session, view, event, event_id, at_ms)
            else:
                view = newest
                if marked_as != OTHER:
                    self._mark(session, view, event, event_id, at_ms)
        else:
            self._lives.make_room(session)
            view = self._late.place(session, event, event_id, content_id, at_ms)
        view.last_clock_ms = self._lives.clock_ms
        view.touched = True
        self._events.apply(view, event, at_ms, pane_ms, gains)
        if in_turn:
            if kind == FIRST_FRAME:
                self._leave_others(session, End(REPLACED, at_ms, content_id))
            elif kind == SWIPE:
                to_content_id = cast(SwipeData, event.data).to_content_id
                self._lives.leave(session, view, End(SWIPED, at_ms, to_content_id))
        if view.ended_by != OPEN:
            self._figures.recount_end(view)
        return view.slices

    def _mark(
        self, session: Session, view: View, event: CheckedEvent, event_id: str, at_ms: int
    ) -> None:
        """Remember an event that is later than every mark of its viewer."""
        clock_ms = self._lives.clock_ms
        if clock_ms - session.marks_from_ms >= self._forget_after_ms:
            self._lives.forget_old_marks(session)
        mark = new_mark(event, event_id, view.content_id, at_ms, clock_ms, view.number)
        session.add_mark(mark)
        session.newest_at_ms = at_ms

    def _leave_others(self, session: Session, end: End) -> None:
        """A first frame ends the views of other contents."""
        if len(session.open) > 1 or end.next_content_id not in session.open:
            for other in list(session.open.values()):
                if other.content_id != end.next_content_id:
                    self._lives.end(session, other, end)

    def _touch(self, session: Session, event: CheckedEvent) -> Slices:
        """An event of the app's own keeps an open view of its content from timing out."""
        view = session.open.get(event.content_id)
        if view is None:
            return self._events.shared(event.context).slices
        view.last_clock_ms = self._lives.clock_ms
        view.touched = True
        return view.slices

    def _move_active(self, session: Session, pane_ms: int, slices: Slices, gains: Gains) -> None:
        """Count the viewer in the pane of the latest event, and no longer in the one before."""
        if pane_ms <= self._panes.horizon_ms:
            return
        before_ms, slices_before = session.active_pane_ms, session.active_slices
        if slices_before is not None and before_ms > self._panes.horizon_ms:
            self._panes.gains(before_ms).of(slices_before).sums[ACTIVE_VIEWERS] -= 1
        gains.of(slices).sums[ACTIVE_VIEWERS] += 1
        session.active_pane_ms = pane_ms
        session.active_slices = slices
        self._sessions_by_pane.setdefault(pane_ms, []).append(session)


def _viewer_without_session(event: CheckedEvent) -> str | None:
    """Who is watching, of an event without a session: the device, else the user; None: nobody."""
    if event.device_id is not None:
        return f"device\x00{event.device_id}"
    return None if event.user_id is None else f"user\x00{event.user_id}"
