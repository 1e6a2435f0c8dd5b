"""Viewers as checkpoints keep them: the values of all of them, one after the other, in one list.

Of a viewer who was written before, that is what changed since: the views that did, the numbers of
those that left, and the marks that came in. A flat list is made, encoded and read again in a
fraction of the time that an object per view takes. What many views share, their slices and their
context, stands once beside the list and is named by its place. Times are distances from the server
time of the checkpoint: small numbers take few bytes.
"""

from collections.abc import Sequence
from typing import Final, cast

from models.checked_events import Context
from models.dimensions import Slices
from models.events import EntryPoint, ImpressionData, PlayStartData, values_of
from models.marks import FIRST_FRAME, IMPRESSION, SWIPE, Mark
from models.views import OPEN, Counted, CountedEnd, EndedView, View
from tables.segments import EncodedList
from tables.sessions import Session

_NOWHERE: Final = -1
"""The place of slices that are not there."""

_IMPRESSION: Final = 1
_SEARCHED: Final = 2
_TRIED: Final = 4
_ACTED: Final = 8
_COMPLETED: Final = 16
_FATAL: Final = 32
_LIKED: Final = 64
_SAVED: Final = 128
_SHARED: Final = 256
_COUNTS: Final = 512
"""Something of what is 0 for most views is not."""
_ENDED: Final = 1024

_SKIP: Final = 1
_QOE_LIMITED: Final = 2

_VALUES_AT_ONCE: Final = 4_000
"""So many values, those of some dozens of viewers, are encoded as soon as they are there."""


class SessionWriter:
    """Collects viewers for one segment of a checkpoint.

    Args:
        clock_ms: what times are written as distances from.
    """

    def __init__(self, clock_ms: int) -> None:
        self.slices: dict[Slices, int] = {}
        """Those that were named, in their order, and the place of each."""
        self.contexts: dict[Context, int] = {}
        self._clock_ms = clock_ms
        self._last_slices: Slices | None = None
        self._last_place = _NOWHERE
        self._values: list[object] = []
        """Those that are not encoded yet."""
        self._encoded = EncodedList()

    def add(self, session: Session) -> None:
        """Write what changed of one viewer since the last cut, or everything where that says so."""
        values, clock_ms = self._values, self._clock_ms
        whole = session.whole
        slices = session.active_slices
        values += [
            session.viewer,
            whole,
            clock_ms - session.newest_at_ms,
            clock_ms - session.forgotten_at_ms,
            clock_ms - session.marks_from_ms,
            clock_ms - session.active_pane_ms,
            _NOWHERE if slices is None else self._place_of(slices),
        ]
        if not whole:
            left = session.left
            values.append(0 if left is None else len(left))
            if left is not None:
                values += left
        count_at = len(values)
        values.append(0)
        written = 0
        for waiting in session.waiting.values():
            if isinstance(waiting, View):
                if whole or waiting.touched:
                    self._add_view(waiting)
                    written += 1
            else:
                for view in waiting:
                    if whole or view.touched:
                        self._add_view(view)
                        written += 1
        for view in session.open.values():
            if whole or view.touched:
                self._add_view(view)
                written += 1
        values[count_at] = written
        marks = session.marks
        first, end = session.first_mark, session.next_mark()
        if not whole:
            first = max(first, session.saved_marks)
        values.append(end - first)
        for place in range(first, end):
            self._add_mark(marks[place])
        session.was_written()
        if len(values) >= _VALUES_AT_ONCE:
            self._encode()

    def finish(self) -> EncodedList:
        """The values of all viewers that were added."""
        self._encode()
        return self._encoded

    def _encode(self) -> None:
        self._encoded.extend(self._values)
        self._values.clear()

    def _place_of(self, slices: Slices) -> int:
        # Most often those of before: of the viewer, of a view, and where it was counted.
        if slices is self._last_slices:
            return self._last_place
        place = self.slices.get(slices)
        if place is None:
            place = self.slices[slices] = len(self.slices)
        self._last_slices, self._last_place = slices, place
        return place

    def _add_view(self, view: View) -> None:
        values, clock_ms = self._values, self._clock_ms
        view.touched = False
        context = self.contexts.get(view.context)
        if context is None:
            context = self.contexts[view.context] = len(self.contexts)
        has_counts = (
            view.loop_count > 0
            or view.rebuffers > 0
            or view.upshifts > 0
            or view.downshifts > 0
            or view.errors > 0
            or view.share_platform is not None
        )
        flags = 0
        if view.impression:
            flags |= _IMPRESSION
        if view.searched:
            flags |= _SEARCHED
        if view.tried:
            flags |= _TRIED
        if view.acted:
            flags |= _ACTED
        if view.completed:
            flags |= _COMPLETED
        if view.fatal:
            flags |= _FATAL
        if view.liked:
            flags |= _LIKED
        if view.saved:
            flags |= _SAVED
        if view.shared:
            flags |= _SHARED
        if has_counts:
            flags |= _COUNTS
        if view.ended_by != OPEN:
            flags |= _ENDED
        values += [
            flags,
            view.number,
            view.content_id,
            view.session_id,
            view.device_id,
            view.user_id,
            clock_ms - view.opened_at_ms,
            view.opened_by,
            clock_ms - view.last_clock_ms,
            self._place_of(view.slices),
            context,
            view.position,
            view.entry_point,
            view.feed_id,
            clock_ms - view.started_at_ms,
            view.startup_ms,
            view.rendition,
            view.codec,
            view.autoplay,
            view.watch_ms,
            view.watch_floor_ms,
            clock_ms - view.anchor_at_ms,
            view.anchor_position_ms,
            view.stall_since_anchor_ms,
            view.duration_ms,
        ]
        self._add_counted(view.play_counted)
        if view.completed:
            values.append(clock_ms - view.completed_at_ms)
        self._add_counted(view.completion_counted)
        if has_counts:
            values += [
                view.loop_count,
                view.rebuffers,
                view.rebuffer_ms,
                view.upshifts,
                view.downshifts,
                view.errors,
                view.share_platform,
            ]
        if view.ended_by != OPEN:
            values += [
                view.ended_by,
                clock_ms - view.ended_at_ms,
                clock_ms - view.ended_clock_ms,
                view.next_content_id,
            ]
            self._add_end(view.end_counted)

    def _add_counted(self, counted: Counted | None) -> None:
        values = self._values
        if counted is None:
            values.append(None)
        else:
            values.append(self._clock_ms - counted.pane_ms)
            values.append(self._place_of(counted.slices))

    def _add_end(self, counted: CountedEnd | None) -> None:
        values = self._values
        if counted is None:
            values.append(None)
            return
        values.append(self._clock_ms - counted.pane_ms)
        values.append(self._place_of(counted.slices))
        values.append(counted.figures)
        ended = counted.for_content
        if ended is None:
            values.append(None)
        else:
            values.append(_SKIP * ended.skip | _QOE_LIMITED * ended.qoe_limited)
            values.append(ended.basis_points)

    def _add_mark(self, mark: Mark) -> None:
        values, clock_ms = self._values, self._clock_ms
        values += [
            mark.kind,
            clock_ms - mark.at_ms,
            clock_ms - mark.arrived_ms,
            mark.content_id,
            mark.event_id,
            mark.view,
        ]
        if mark.kind == IMPRESSION:
            # Position, entry point and feed.
            values += values_of(cast(ImpressionData, mark.impression))
        elif mark.kind == FIRST_FRAME:
            # Startup time, rendition, codec and autoplay.
            values += values_of(cast(PlayStartData, mark.first_frame))
        elif mark.kind == SWIPE:
            values.append(mark.next_content_id)


class SessionReader:
    """Brings viewers to what a :class:`SessionWriter` wrote of them.

    Args:
        clock_ms: what the writer had.
        slices: by place; contexts likewise.
    """

    def __init__(
        self,
        clock_ms: int,
        slices: Sequence[Slices],
        contexts: Sequence[Context],
        values: list[object],
    ) -> None:
        self._clock_ms = clock_ms
        self._slices = slices
        self._contexts = contexts
        self._values = values
        self._at = 0

    def read_into(self, sessions: dict[str, Session]) -> list[tuple[str, bool]]:
        """Read all; the viewers in their order, each with whether everything of it was written.

        Changes of a viewer who is not among ``sessions`` are read and left.

        Raises:
            TypeError, IndexError: the values are not those of a writer.
        """
        found = []
        while self._at < len(self._values):
            viewer, whole = self._str(), self._bool()
            session = None if whole else sessions.get(viewer)
            if session is None:
                session = Session(viewer)
            self._read(session, whole)
            if whole:
                sessions[viewer] = session
            found.append((viewer, whole))
        return found

    def _read(self, session: Session, whole: bool) -> None:
        session.newest_at_ms = self._time()
        session.forgotten_at_ms = self._time()
        marks_from_ms = self._time()
        session.active_pane_ms = self._time()
        session.active_slices = self._maybe_slices()
        if not whole:
            for _ in range(self._int()):
                session.drop(self._int())
        for _ in range(self._int()):
            view = self._view(session.viewer)
            view.touched = False
            if whole:
                session.restore(view)
            else:
                session.put(view)
        if marks_from_ms > session.marks_from_ms:
            session.forget_first_old_marks(marks_from_ms)
        for _ in range(self._int()):
            session.add_mark(self._mark())
        session.was_written()

    def _next(self) -> object:
        value = self._values[self._at]
        self._at += 1
        return value

    def _int(self) -> int:
        return cast(int, self._next())

    def _bool(self) -> bool:
        return cast(bool, self._next())

    def _str(self) -> str:
        return cast(str, self._next())

    def _maybe_str(self) -> str | None:
        return cast(str | None, self._next())

    def _maybe_int(self) -> int | None:
        return cast(int | None, self._next())

    def _time(self) -> int:
        return self._clock_ms - self._int()

    def _maybe_time(self) -> int | None:
        distance_ms = self._maybe_int()
        return None if distance_ms is None else self._clock_ms - distance_ms

    def _maybe_slices(self) -> Slices | None:
        place = self._int()
        return None if place == _NOWHERE else self._slices[place]

    def _view(self, viewer: str) -> View:
        flags = self._int()
        number = self._int()
        content_id = self._str()
        session_id = self._maybe_str()
        device_id = self._maybe_str()
        user_id = self._maybe_str()
        opened_at_ms = self._time()
        opened_by = self._str()
        last_clock_ms = self._time()
        view = View(
            number,
            viewer,
            content_id,
            session_id,
            device_id,
            user_id,
            opened_at_ms,
            opened_by,
            last_clock_ms,
            self._slices[self._int()],
            self._contexts[self._int()],
        )
        view.impression = flags & _IMPRESSION != 0
        view.searched = flags & _SEARCHED != 0
        view.tried = flags & _TRIED != 0
        view.acted = flags & _ACTED != 0
        view.completed = flags & _COMPLETED != 0
        view.fatal = flags & _FATAL != 0
        view.liked = flags & _LIKED != 0
        view.saved = flags & _SAVED != 0
        view.shared = flags & _SHARED != 0
        view.position = self._maybe_int()
        view.entry_point = self._maybe_str()
        view.feed_id = self._maybe_str()
        view.started_at_ms = self._time()
        view.startup_ms = self._int()
        view.rendition = self._maybe_str()
        view.codec = self._maybe_str()
        view.autoplay = cast(bool | None, self._next())
        view.watch_ms = self._int()
        view.watch_floor_ms = self._int()
        view.anchor_at_ms = self._time()
        view.anchor_position_ms = self._int()
        view.stall_since_anchor_ms = self._int()
        view.duration_ms = self._int()
        view.play_counted = self._counted()
        if view.completed:
            view.completed_at_ms = self._time()
        view.completion_counted = self._counted()
        if flags & _COUNTS:
            view.loop_count = self._int()
            view.rebuffers = self._int()
            view.rebuffer_ms = self._int()
            view.upshifts = self._int()
            view.downshifts = self._int()
            view.errors = self._int()
            view.share_platform = self._maybe_str()
        if flags & _ENDED:
            view.ended_by = self._str()
            view.ended_at_ms = self._time()
            view.ended_clock_ms = self._time()
            view.next_content_id = self._maybe_str()
            view.end_counted = self._end()
        return view

    def _counted(self) -> Counted | None:
        pane_ms = self._maybe_time()
        return None if pane_ms is None else Counted(pane_ms, self._slices[self._int()])

    def _end(self) -> CountedEnd | None:
        pane_ms = self._maybe_time()
        if pane_ms is None:
            return None
        slices = self._slices[self._int()]
        figures = self._int()
        ended: EndedView | None = None
        flags = self._maybe_int()
        if flags is not None:
            ended = EndedView(flags & _SKIP != 0, flags & _QOE_LIMITED != 0, self._int())
        return CountedEnd(pane_ms, slices, figures, ended)

    def _mark(self) -> Mark:
        kind = self._int()
        at_ms, arrived_ms = self._time(), self._time()
        mark = Mark(kind, at_ms, arrived_ms, self._str(), self._str(), self._int())
        if kind == IMPRESSION:
            mark.impression = ImpressionData(
                self._int(),
                cast(EntryPoint | None, self._maybe_str()),
                self._maybe_str(),
            )
        elif kind == FIRST_FRAME:
            mark.first_frame = PlayStartData(
                self._int(),
                self._maybe_str(),
                self._maybe_str(),
                cast(bool | None, self._next()),
            )
        elif kind == SWIPE:
            mark.next_content_id = self._maybe_str()
        return mark
