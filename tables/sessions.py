"""One viewer of a partition: the views that are not published yet, and what led to them lately."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from mypy_extensions import mypyc_attr

from models.dimensions import Slices
from models.marks import Mark
from models.views import OPEN, View
from tables.marks import opens_anew

NEVER: Final = -1

_at_ms = attrgetter("at_ms")
_opened_at_ms = attrgetter("opened_at_ms")


@mypyc_attr(acyclic=True)
class Session:
    """One viewer: the open views by content, the ended ones that wait for stragglers, and the
    marks that came in lately, in the order of their times."""

    __slots__ = (
        "active_pane_ms",
        "active_slices",
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
        "viewer",
        "views",
        "waiting",
        "whole",
    )

    def __init__(self, viewer: str) -> None:
        self.viewer = viewer
        self.open: dict[str, View] = {}
        self.waiting: dict[str, list[View]] = {}
        """Ended views by content, each list in the order of their times."""
        self.views = 0
        """How many there are, open and waiting."""
        self.marks: list[Mark] = []
        self.newest_at_ms = NEVER
        """The latest event time of any mark there ever was."""
        self.forgotten_at_ms = NEVER
        """Up to this event time marks were forgotten."""
        self.marks_from_ms = NEVER
        """The server time of the earliest mark that was not forgotten for its age."""
        self.active_pane_ms = NEVER
        self.active_slices: Slices | None = None
        self.partition = NEVER
        """The partition that a record with the viewer as its key belongs to, once it is known."""
        self.touched = False
        """Whether anything changed since the last cut of a checkpoint."""
        self.whole = True
        """Whether the next one has to write everything, and not only what changed."""
        self.saved_marks = 0
        """So many marks, from the first on, were there at the last cut."""
        self.left: list[int] | None = None
        """The numbers of the views that were taken out since; None: of none."""
        self.saved_in = NEVER
        """The number of the segment of the checkpoint that holds all of this viewer; newer ones
        hold what changed."""

    def views_of(self, content_id: str) -> list[View]:
        """The views of a content, ended and open, in the order of their times."""
        ended = self.waiting.get(content_id, [])
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
        ended = waiting[-1]
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
        found = [view for view in self.open.values() if view.opened_at_ms <= at_ms]
        for views in self.waiting.values():
            found += [view for view in views if view.opened_at_ms <= at_ms < view.ended_at_ms]
        return found

    def numbered(self, content_id: str) -> dict[int, View]:
        """The views of a content by their numbers."""
        return {view.number: view for view in self.views_of(content_id)}

    def all_views(self) -> Iterator[View]:
        """The waiting views and then the open ones."""
        for views in self.waiting.values():
            yield from views
        yield from self.open.values()

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
            self.waiting.setdefault(view.content_id, []).append(view)

    def put(self, view: View) -> None:
        """Take in a view that is new, or the newest version of one."""
        open_view = self.open.get(view.content_id)
        if open_view is not None and open_view.number == view.number:
            if view.ended_by == OPEN:
                self.open[view.content_id] = view
            else:
                self.wait(view)
            return
        waiting = self.waiting.get(view.content_id)
        if waiting is not None:
            for place, other in enumerate(waiting):
                if other.number == view.number:
                    waiting[place] = view
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
        self.touched = self.whole = False
        self.saved_marks = len(self.marks)
        self.left = None

    def remove(self, view: View) -> bool:
        """Take an ended view out; False where it was taken out before."""
        views = self.waiting.get(view.content_id, [])
        for place, other in enumerate(views):
            if other is view:
                del views[place]
                self.views -= 1
                if views:
                    # What is left keeps its place among the contents, and a list of changes
                    # could not say so.
                    self.whole = True
                else:
                    del self.waiting[view.content_id]
                if self.left is None:
                    self.left = [view.number]
                else:
                    self.left.append(view.number)
                return True
        return False

    def mark(self, mark: Mark) -> None:
        """Put a mark in its place, after those of the same time."""
        self.whole = True
        self.marks.insert(bisect_right(self.marks, mark.at_ms, key=_at_ms), mark)

    def marks_after(self, at_ms: int) -> list[Mark]:
        """The marks that are later than ``at_ms``."""
        return self.marks[bisect_right(self.marks, at_ms, key=_at_ms) :]

    def forget_marks(self, arrived_before_ms: int) -> None:
        """Forget the marks that came in before a moment of server time."""
        kept: list[Mark] = []
        saved = 0
        for place, mark in enumerate(self.marks):
            if mark.arrived_ms >= arrived_before_ms:
                kept.append(mark)
                if place < self.saved_marks:
                    saved += 1
            elif mark.at_ms > self.forgotten_at_ms:
                self.forgotten_at_ms = mark.at_ms
        self.marks = kept
        self.saved_marks = saved
        self.marks_from_ms = arrived_before_ms

    def forget_first_marks(self, count: int) -> None:
        """Forget the ``count`` marks with the earliest event times."""
        self.forgotten_at_ms = max(self.forgotten_at_ms, self.marks[count - 1].at_ms)
        del self.marks[:count]
        self.whole = True

    def _insert(self, view: View) -> None:
        views = self.waiting.setdefault(view.content_id, [])
        views.insert(bisect_right(views, view.opened_at_ms, key=_opened_at_ms), view)
