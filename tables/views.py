"""Follows every view of one partition from its first event to its record."""

from collections.abc import Callable

from models.dimensions import Slices
from models.events import CustomEvent, Event, Impression, PlayStart, Swipe, subject_id
from models.figures import (
    ACTIVE_VIEWERS,
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    PLAYBACK_FAILURES,
    REBUFFERED_VIEWS,
    START_FAILURES,
    STARTED_VIEWS,
)
from models.views import OPEN, REPLACED, SWIPED, TIMED_OUT, Restart, View, view_id_of
from tables.counters import Counters
from tables.panes import Gains, PaneStore, pane_of
from tables.session_log import SessionLog
from tables.sessions import NEVER, Session, ViewTimers
from tables.view_events import Context, ViewEvents, context_of

_ENDED_FIGURES = (
    ENDED_VIEWS,
    REBUFFERED_VIEWS,
    EXITS_BEFORE_START,
    START_FAILURES,
    PLAYBACK_FAILURES,
    STARTED_VIEWS,
)


class ViewTracker:
    """The viewers of one partition.

    Args:
        timeout_ms: server time without events after which a view is over.
        straggler_ms: server time for which an ended view waits before it is published.
        publish: called with each view that is over for good and the server time.
    """

    def __init__(
        self,
        panes: PaneStore,
        counters: Counters,
        *,
        timeout_ms: int,
        straggler_ms: int,
        publish: Callable[[View, int], None],
    ) -> None:
        self._panes = panes
        self._counters = counters
        self._timeout_ms = timeout_ms
        self._straggler_ms = straggler_ms
        self._publish = publish
        self._events = ViewEvents(counters)
        self._sessions: dict[str, Session] = {}
        self.log = SessionLog(self._sessions, self._events.table)
        self._touched = self.log.touched
        self._sessions_by_pane: dict[int, list[Session]] = {}
        self._timers = ViewTimers()
        self._clock_ms = NEVER
        self.open_views = 0

    def move_clock(self, clock_ms: int) -> None:
        """Go on to ``clock_ms``, firing each timer that is due by then at its own time."""
        timers = self._timers
        while timers.next_due_ms() <= clock_ms:
            due_ms, kind, view = timers.pop()
            self._clock_ms = due_ms
            if kind == ViewTimers.PUBLISH:
                self._finish(view)
            elif view.ended_by == OPEN:
                quiet_until_ms = view.last_clock_ms + self._timeout_ms
                if quiet_until_ms > due_ms:
                    timers.set(quiet_until_ms, ViewTimers.TIMEOUT, view)
                else:
                    self._end(self._sessions[view.viewer], view, TIMED_OUT, due_ms)
        self._clock_ms = clock_ms

    def forget_panes(self, starts: list[int]) -> None:
        """Forget the viewers whose last event lies in a pane that is gone."""
        for start in starts:
            for session in self._sessions_by_pane.pop(start, ()):
                if session.active_pane_ms == start:
                    session.active_pane_ms = NEVER
                    self._forget_if_idle(session)

    def restore(self, clock_ms: int) -> None:
        """Make the viewers that the log has loaded go on from ``clock_ms``.

        Timers and counts follow from the views; a viewer whose pane is gone by now and who has no
        view was forgotten without a word in the log.
        """
        self._clock_ms = clock_ms
        for session in list(self._sessions.values()):
            if session.active_pane_ms <= self._panes.horizon_ms:
                session.active_pane_ms = NEVER
                self._forget_if_idle(session)
            else:
                self._sessions_by_pane.setdefault(session.active_pane_ms, []).append(session)
            for view in session.open.values():
                self._timers.set(view.last_clock_ms + self._timeout_ms, ViewTimers.TIMEOUT, view)
            for view in session.waiting:
                published_ms = view.ended_clock_ms + self._straggler_ms
                self._timers.set(published_ms, ViewTimers.PUBLISH, view)
            self.open_views += len(session.open)

    def follow(self, event: Event, event_id: str, at_ms: int, pane_ms: int) -> None:
        """Take in one accepted event that happened at ``at_ms`` and counts in ``pane_ms``."""
        gains = self._panes.gains(pane_ms)
        context = context_of(event)
        viewer = _viewer_of(event)
        if viewer is None:
            self._events.count_alone(event, context, gains)
            return
        session = self._sessions.get(viewer)
        if session is None:
            session = self._sessions[viewer] = Session(viewer)
        self._touched.add(viewer)
        if type(event) is CustomEvent:
            slices = self._touch(session, event, context)
        else:
            slices = self._follow_view(session, event, event_id, context, at_ms, gains)
        if event.session_id is not None and pane_ms > session.active_pane_ms:
            self._move_active(session, pane_ms, slices, gains)
        if session.active_pane_ms == NEVER:
            self._forget_if_idle(session)

    def _follow_view(
        self,
        session: Session,
        event: Event,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> Slices:
        kind = type(event)
        content_id = subject_id(event)
        if kind is Swipe:
            view = session.find_left(content_id, at_ms)
        else:
            view = session.find(content_id, at_ms, kind is Impression or kind is PlayStart)
        if view is None:
            view = self._open(session, event, content_id, event_id, context, at_ms)
        else:
            view.opened_at_ms = min(view.opened_at_ms, at_ms)
            view.last_clock_ms = self._clock_ms
        ended_before = view.ended_by != OPEN
        before, slices_before = _ended_figures(view), view.slices
        self._events.apply(view, event, event_id, context, at_ms, gains)
        if isinstance(event, Swipe):
            self._leave(session, view, SWIPED, at_ms, event.data.to_content_id)
        if ended_before:
            self._count_ended(view, before, slices_before)
        if isinstance(event, PlayStart):
            if view.ended_by != OPEN:
                self._split_if_left_between(session, view)
            self._start_elsewhere(session, view, at_ms)
        return view.slices

    def _open(
        self,
        session: Session,
        event: Event,
        content_id: str,
        event_id: str,
        context: Context,
        at_ms: int,
    ) -> View:
        view = View(
            view_id=view_id_of(session.viewer, content_id, event_id),
            viewer=session.viewer,
            content_id=content_id,
            session_id=event.session_id,
            device_id=event.device_id,
            user_id=event.user_id,
            opened_at_ms=at_ms,
            last_clock_ms=self._clock_ms,
            slices=self._events.slices(context),
            context=context,
        )
        self._add(session, view)
        return view

    def _reopen(self, session: Session, view: View, restart: Restart) -> View:
        """The next view of the same viewer and content."""
        return View(
            view_id=view_id_of(session.viewer, view.content_id, restart.event_id),
            viewer=session.viewer,
            content_id=view.content_id,
            session_id=view.session_id,
            device_id=view.device_id,
            user_id=view.user_id,
            opened_at_ms=restart.at_ms,
            last_clock_ms=self._clock_ms,
            slices=view.slices,
            context=view.context,
        )

    def _add(self, session: Session, view: View) -> None:
        """Open ``view``; what came in before it and is its own, an end or a completion, it gets."""
        self._claim_completion(session, view)
        next_open = session.open.get(view.content_id)
        session.open[view.content_id] = view
        self.open_views += 1
        self._timers.set(self._clock_ms + self._timeout_ms, ViewTimers.TIMEOUT, view)
        known_end = session.end_after(view)
        if known_end is None and next_open is not None:
            known_end = (REPLACED, next_open.opened_at_ms, None)
        if known_end is not None:
            how, at_ms, view.next_content_id = known_end
            self._end(session, view, how, at_ms)
        if next_open is not None:
            session.open[view.content_id] = next_open

    def _claim_completion(self, session: Session, view: View) -> None:
        for earlier in session.waiting:
            if (
                earlier.content_id != view.content_id
                or not earlier.completed
                or earlier.ended_at_ms >= view.opened_at_ms
                or earlier.last_completion_at_ms < view.opened_at_ms
            ):
                continue
            view.completed = True
            view.first_completion_at_ms = view.opened_at_ms
            view.last_completion_at_ms = earlier.last_completion_at_ms
            if earlier.first_completion_at_ms < view.opened_at_ms:
                # Only the first was counted while both seemed to be of one view.
                earlier.last_completion_at_ms = earlier.first_completion_at_ms
                gains = self._gains_at(view.last_completion_at_ms)
                gains[view.slices].sums[COMPLETIONS] += 1
            else:
                earlier.completed = False

    def _start_elsewhere(self, session: Session, started: View, at_ms: int) -> None:
        """A first frame ends the views of other contents that opened before it.

        Of two events at the same moment, the one that arrived first came first.
        """
        for other in (*session.open.values(), *session.waiting):
            if other.content_id != started.content_id and other.opened_at_ms <= at_ms:
                self._leave(session, other, REPLACED, at_ms, started.content_id)
        if at_ms > session.played_at_ms:
            session.played_at_ms = at_ms
            session.played_content_id = started.content_id

    def _leave(
        self, session: Session, view: View, how: str, at_ms: int, next_content_id: str
    ) -> None:
        """The viewer left ``view`` at ``at_ms``, which is news or, of an ended view, may be."""
        if view.ended_by == OPEN:
            self._end(session, view, how, at_ms)
        elif at_ms < view.ended_at_ms:
            # What ended it as far as was known ends a later view of the content, if there is one.
            view.next_end = (view.ended_by, view.ended_at_ms, view.next_content_id)
            view.ended_by, view.ended_at_ms = how, at_ms
        elif how == SWIPED and view.ended_by == REPLACED:
            view.ended_by = how
        else:
            return
        view.next_content_id = next_content_id
        self._split_if_left_between(session, view)

    def _split_if_left_between(self, session: Session, view: View) -> None:
        """What looked like a second first frame of an ended view began its content's next one."""
        restart = view.restart
        if restart is None or restart.at_ms <= view.ended_at_ms:
            return
        view.restart = None
        later = self._reopen(session, view, restart)
        if later.view_id == view.view_id:
            # It had come in first: the earlier one was opened by the first frame that came late.
            view.view_id = view_id_of(session.viewer, view.content_id, view.started_by)
        self._events.start(later, restart.data, restart.event_id, restart.at_ms)
        uncounted = view if restart.counted else later
        figures = self._gains_at(uncounted.started_at_ms or 0)[uncounted.slices]
        self._events.count_play(figures, uncounted.startup_ms or 0)
        self._add(session, later)
        self._start_elsewhere(session, later, restart.at_ms)

    def _gains_at(self, at_ms: int) -> Gains:
        return self._panes.gains(min(pane_of(at_ms), pane_of(self._clock_ms)))

    def _end(self, session: Session, view: View, how: str, at_ms: int) -> None:
        self._touched.add(session.viewer)
        view.ended_by = how
        view.ended_at_ms = at_ms
        view.ended_clock_ms = self._clock_ms
        del session.open[view.content_id]
        session.waiting.append(view)
        self.open_views -= 1
        self._timers.set(self._clock_ms + self._straggler_ms, ViewTimers.PUBLISH, view)
        self._count_ended(view, _NOT_ENDED, view.slices)

    def _finish(self, view: View) -> None:
        session = self._sessions[view.viewer]
        self._touched.add(session.viewer)
        session.waiting.remove(view)
        if view.attempted:
            self._counters.views[view.outcome()] += 1
            self._publish(view, self._clock_ms)
        if session.active_pane_ms == NEVER:
            self._forget_if_idle(session)

    def _forget_if_idle(self, session: Session) -> None:
        if not session.open and not session.waiting:
            self._sessions.pop(session.viewer, None)

    def _touch(self, session: Session, event: CustomEvent, context: Context) -> Slices:
        """An event of the app's own keeps an open view of its content from timing out."""
        view = session.open.get(event.content_id)
        if view is None:
            return self._events.slices(context)
        view.last_clock_ms = self._clock_ms
        return view.slices

    def _move_active(self, session: Session, pane_ms: int, slices: Slices, gains: Gains) -> None:
        """Count the viewer in the pane of the latest event, and no longer in the one before."""
        if pane_ms <= self._panes.horizon_ms:
            return
        before_ms, slices_before = session.active_pane_ms, session.active_slices
        if slices_before is not None and before_ms > self._panes.horizon_ms:
            self._panes.gains(before_ms)[slices_before].sums[ACTIVE_VIEWERS] -= 1
        gains[slices].sums[ACTIVE_VIEWERS] += 1
        session.active_pane_ms = pane_ms
        session.active_slices = slices
        self._sessions_by_pane.setdefault(pane_ms, []).append(session)

    def _count_ended(self, view: View, before: tuple[bool, ...], slices_before: Slices) -> None:
        """Bring the figures about ended views up to what the view is now."""
        after = _ended_figures(view)
        if after == before and view.slices is slices_before:
            return
        gains = self._panes.gains(pane_of(view.ended_clock_ms))
        for slices, figures, sign in ((slices_before, before, -1), (view.slices, after, 1)):
            if any(figures):
                sums = gains[slices].sums
                for figure, holds in zip(_ENDED_FIGURES, figures, strict=True):
                    sums[figure] += sign * holds


def _viewer_of(event: Event) -> str | None:
    """Who is watching: the session, else the device, else the user; None of an event with none."""
    if event.session_id is not None:
        return event.session_id
    if event.device_id is not None:
        return f"device\x00{event.device_id}"
    return None if event.user_id is None else f"user\x00{event.user_id}"


def _ended_figures(view: View) -> tuple[bool, ...]:
    if view.ended_by == OPEN or not view.attempted:
        return _NOT_ENDED
    return (
        True,
        view.is_rebuffered(),
        view.is_exit_before_start(),
        view.is_start_failure(),
        view.is_playback_failure(),
        view.started_at_ms is not None,
    )


_NOT_ENDED = (False,) * len(_ENDED_FIGURES)
