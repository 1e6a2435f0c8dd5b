"""One viewer of a partition: the views that are not published yet, and what led to them lately."""

from bisect import bisect_right
from operator import attrgetter

from mypy_extensions import mypyc_attr

from models.dimensions import Slices
from models.marks import Mark
from models.views import NEVER, OPEN, View
from tables.marks import opens_anew

_at_ms = attrgetter("at_ms")
_opened_at_ms = attrgetter("opened_at_ms")


@mypyc_attr(acyclic=True)
class Session:
    """One viewer: the open views by content, the ended ones that wait for stragglers, and the
    marks that came in lately, in the order of their times.

    There are hundreds of thousands, so next to nothing of one is such that the garbage collector
    would look at it: it passes over views and marks, and over dicts that hold nothing else, and
    walks through lists.
    """

    __slots__ = (
        "active_pane_ms",
        "active_slices",
        "first_mark",
        "forgotten_at_ms",
        "left",
        "marks",
        "marks_from_ms",
        "newest_at_ms",
        "open",
        "partition",
        "saved_in",
        "saved_marks",
        "touched",
        "unwritten",
        "viewer",
        "views",
        "waiting",
        "whole",
    )

    def __init__(self, viewer: str) -> None:
        self.viewer = viewer
        self.open: dict[str, View] = {}
        self.waiting: dict[str, View | list[View]] = {}
        """Ended views by content; of a content with several a list, in the order of their times."""
        self.views = 0
        """How many there are, open and waiting."""
        self.marks: dict[int, Mark] = {}
        """In the order of their times, by running numbers from :attr:`first_mark` on."""
        self.first_mark = 0
        self.newest_at_ms = NEVER
        """The latest event time of any mark there ever was."""
        self.forgotten_at_ms = NEVER
        """Up to this event time marks were forgotten."""
        self.marks_from_ms = NEVER
        """The server time before which marks were last forgotten for their age."""
        self.active_pane_ms = NEVER
        self.active_slices: Slices | None = None
        self.partition = NEVER
        """The partition that a record with the viewer as its key belongs to, once it is known."""
        self.touched = False
        """Whether anything changed since the last cut of a checkpoint."""
        self.unwritten = False
        """Whether the cut that is under way still waits for it."""
        self.whole = True
        """Whether the next one has to write everything, and not only what changed."""
        self.saved_marks = 0
        """The number of the first mark that the last cut does not have."""
        self.left: list[int] | None = None
        """The numbers of the views that were taken out since; None: of none."""
        self.saved_in = NEVER
        """The number of the segment of the checkpoint that holds all of this viewer; newer ones
        hold what changed."""

    def waiting_of(self, content_id: str) -> list[View]:
        """The ended views of a content, in the order of their times."""
        waiting = self.waiting.get(content_id)
        if waiting is None:
            return []
        return [waiting] if isinstance(waiting, View) else waiting

    def views_of(self, content_id: str) -> list[View]:
        """The views of a content, ended and open, in the order of their times."""
        ended = self.waiting_of(content_id)
        view = self.open.get(content_id)
        return ended if view is None else [*ended, view]

    def newest(self, content_id: str, kind: int, at_ms: int, tail_ms: int) -> View | None:
        """The view that an event belongs to which is later than every mark; None: a new one."""
        view = self.open.get(content_id)
        if view is not None:
            return view
        waiting = self.waiting.get(content_id)
        if waiting is None:
            return None
        ended = waiting if isinstance(waiting, View) else waiting[-1]
        if at_ms < ended.ended_at_ms:
            return ended
        return None if opens_anew(kind) or at_ms >= ended.ended_at_ms + tail_ms else ended

    def before(self, content_id: str, at_ms: int) -> View | None:
        """The last view of a content that opened at ``at_ms`` or before."""
        return next(
            (view for view in reversed(self.views_of(content_id)) if view.opened_at_ms <= at_ms),
            None,
        )

    def on_at(self, at_ms: int) -> list[View]:
        """The views that had opened by ``at_ms`` and not ended then."""
        return [
            view
            for view in self.all_views()
            if view.opened_at_ms <= at_ms and (view.ended_by == OPEN or at_ms < view.ended_at_ms)
        ]

    def numbered(self, content_id: str) -> dict[int, View]:
        """The views of a content by their numbers."""
        return {view.number: view for view in self.views_of(content_id)}

    def all_views(self) -> list[View]:
        """The waiting views and then the open ones."""
        found: list[View] = []
        for waiting in self.waiting.values():
            if isinstance(waiting, View):
                found.append(waiting)
            else:
                found.extend(waiting)
        found.extend(self.open.values())
        return found

    def longest_waiting(self) -> View | None:
        """Of the content that waits longest, the first view; None: nothing waits."""
        for waiting in self.waiting.values():
            return waiting if isinstance(waiting, View) else waiting[0]
        return None

    def wait(self, view: View) -> None:
        """A view that was open ended."""
        self.open.pop(view.content_id)
        self._insert(view)

    def add(self, view: View) -> None:
        """Take in a view, open or ended."""
        self.views += 1
        if view.ended_by == OPEN:
            self.open[view.content_id] = view
        else:
            self._insert(view)

    def restore(self, view: View) -> None:
        """Take in a view after those that come before it in :meth:`all_views`."""
        self.views += 1
        if view.ended_by == OPEN:
            self.open[view.content_id] = view
        else:
            self._keep_waiting(view.content_id, [*self.waiting_of(view.content_id), view])

    def put(self, view: View) -> None:
        """Take in a view that is new, or the newest version of one."""
        open_view = self.open.get(view.content_id)
        if open_view is not None and open_view.number == view.number:
            if view.ended_by == OPEN:
                self.open[view.content_id] = view
            else:
                self.wait(view)
            return
        waiting = self.waiting_of(view.content_id)
        for place, other in enumerate(waiting):
            if other.number == view.number:
                waiting[place] = view
                self._keep_waiting(view.content_id, waiting)
                return
        self.add(view)

    def drop(self, number: int) -> None:
        """Take out the view of this number, open or waiting, where there is one."""
        for view in self.all_views():
            if view.number == number:
                if view.ended_by == OPEN:
                    del self.open[view.content_id]
                    self.views -= 1
                else:
                    self.remove(view)
                return

    def was_written(self) -> None:
        """A cut of a checkpoint has everything that changed so far."""
        self.touched = self.unwritten = self.whole = False
        self.saved_marks = self.next_mark()
        self.left = None

    def remove(self, view: View) -> bool:
        """Take an ended view out; False where it was taken out before."""
        waiting = self.waiting.get(view.content_id)
        if waiting is None:
            return False
        if isinstance(waiting, View):
            if waiting is not view:
                return False
            del self.waiting[view.content_id]
        else:
            others = [other for other in waiting if other is not view]
            if len(others) == len(waiting):
                return False
            self._keep_waiting(view.content_id, others)
            # The content keeps its place among the others, which changes cannot say.
            self.whole = True
        self.views -= 1
        if self.left is None:
            self.left = [view.number]
        else:
            self.left.append(view.number)
        return True

    def next_mark(self) -> int:
        """The number of the next mark."""
        return self.first_mark + len(self.marks)

    def add_mark(self, mark: Mark) -> None:
        """Take in a mark that is not earlier than any other."""
        self.marks[self.next_mark()] = mark

    def mark(self, mark: Mark) -> None:
        """Put a mark in its place, after those of the same time."""
        marks = list(self.marks.values())
        marks.insert(bisect_right(marks, mark.at_ms, key=_at_ms), mark)
        self._replace_marks(marks)

    def marks_after(self, at_ms: int) -> list[Mark]:
        """The marks that are later than ``at_ms``."""
        marks = list(self.marks.values())
        return marks[bisect_right(marks, at_ms, key=_at_ms) :]

    def forget_marks(self, arrived_before_ms: int) -> None:
        """Forget the marks that came in before a moment of server time."""
        kept: list[Mark] = []
        for mark in self.marks.values():
            if mark.arrived_ms >= arrived_before_ms:
                kept.append(mark)
            elif mark.at_ms > self.forgotten_at_ms:
                self.forgotten_at_ms = mark.at_ms
        if len(kept) < len(self.marks):
            self._replace_marks(kept)
        self.marks_from_ms = arrived_before_ms

    def forget_first_old_marks(self, arrived_before_ms: int) -> None:
        """The same without looking at all of them, up to the first that came in since: for those
        that came in late :meth:`forget_marks` is there."""
        marks, place = self.marks, self.first_mark
        end = self.next_mark()
        while place < end and marks[place].arrived_ms < arrived_before_ms:
            self.forgotten_at_ms = max(self.forgotten_at_ms, marks[place].at_ms)
            del marks[place]
            place += 1
        self.first_mark = place
        self.marks_from_ms = arrived_before_ms

    def forget_first_marks(self, count: int) -> None:
        """Forget the ``count`` marks with the earliest event times."""
        marks = list(self.marks.values())
        self.forgotten_at_ms = max(self.forgotten_at_ms, marks[count - 1].at_ms)
        self._replace_marks(marks[count:])

    def _replace_marks(self, marks: list[Mark]) -> None:
        self.marks = dict(enumerate(marks))
        self.first_mark = 0
        self.whole = True

    def _insert(self, view: View) -> None:
        waiting = self.waiting.get(view.content_id)
        if waiting is None:
            self.waiting[view.content_id] = view
            return
        views = [waiting] if isinstance(waiting, View) else waiting
        views.insert(bisect_right(views, view.opened_at_ms, key=_opened_at_ms), view)
        self.waiting[view.content_id] = views

    def _keep_waiting(self, content_id: str, views: list[View]) -> None:
        self.waiting[content_id] = views[0] if len(views) == 1 else views
