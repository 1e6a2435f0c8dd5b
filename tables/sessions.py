"""The viewers of one partition with their views: which view an event belongs to, and when."""

from heapq import heappop, heappush
from itertools import count

from models.dimensions import Slices
from models.views import REPLACED, KnownEnd, View

NEVER = -1
FAR_FUTURE_MS = 1 << 62


class Session:
    """One viewer: the open views by content, and the ended ones that wait for stragglers."""

    __slots__ = (
        "active_pane_ms",
        "active_slices",
        "open",
        "played_at_ms",
        "played_content_id",
        "saved_in",
        "viewer",
        "waiting",
    )

    def __init__(self, viewer: str) -> None:
        self.viewer = viewer
        self.open: dict[str, View] = {}
        self.waiting: list[View] = []
        self.active_pane_ms = NEVER
        self.active_slices: Slices | None = None
        self.played_at_ms = NEVER
        self.played_content_id = ""
        self.saved_in = NEVER
        """The number of the segment of the checkpoint that holds this viewer's newest version."""

    def find(self, content_id: str, at_ms: int, opener: bool) -> View | None:
        """The view that an event of ``content_id`` at ``at_ms`` belongs to; None: a new one.

        An ended view keeps what happened before its end, and anything but an impression or a
        first frame that comes after it while it waits.
        """
        view = self.open.get(content_id)
        if not self.waiting or (view is not None and at_ms >= view.opened_at_ms):
            return view
        ended = None
        for candidate in self.waiting:
            if candidate.content_id == content_id:
                if at_ms < candidate.ended_at_ms or (not opener and at_ms == candidate.ended_at_ms):
                    return candidate
                ended = candidate
        if view is not None:
            return view
        return None if opener else ended

    def find_left(self, content_id: str, at_ms: int) -> View | None:
        """The view that a swipe away at ``at_ms`` leaves; None: one not known yet."""
        view = self.open.get(content_id)
        if view is not None and view.opened_at_ms <= at_ms:
            return view
        left = None
        for candidate in self.waiting:
            if candidate.content_id == content_id and candidate.opened_at_ms <= at_ms:
                left = candidate
        return left or view

    def end_after(self, view: View) -> KnownEnd | None:
        """What ended ``view``, where that came in before the view itself: how, when, and the
        content that followed."""
        for ended in self.waiting:
            if ended.content_id == view.content_id and ended.next_end is not None:
                if ended.next_end[1] > view.opened_at_ms:
                    return ended.next_end
        if self.played_at_ms > view.opened_at_ms and self.played_content_id != view.content_id:
            return REPLACED, self.played_at_ms, self.played_content_id
        return None


class ViewTimers:
    """When views time out and when ended ones are published, in server time.

    Entries fire in the order of their time, then of the view's id, then of their setting, so that
    every reader of the same records sees the same order.
    """

    TIMEOUT = 0
    PUBLISH = 1

    __slots__ = ("_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[tuple[int, str, int, int, View]] = []
        self._order = count()

    def set(self, due_ms: int, kind: int, view: View) -> None:
        """Fire at ``due_ms``."""
        heappush(self._heap, (due_ms, view.view_id, kind, next(self._order), view))

    def next_due_ms(self) -> int:
        """When the next entry fires; far in the future where there is none."""
        return self._heap[0][0] if self._heap else FAR_FUTURE_MS

    def pop(self) -> tuple[int, int, View]:
        """The next entry: its time, its kind and the view."""
        due_ms, _, kind, _, view = heappop(self._heap)
        return due_ms, kind, view
