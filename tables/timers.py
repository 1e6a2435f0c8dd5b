"""When views time out and when ended ones are published, in server time."""

from heapq import heapify, heappop, heappush
from typing import Final

from models.views import OPEN, View

TRIM_VIEWS: Final = 1_000
"""So many places of a queue may be of views that it does not need any more, or half of it."""


class TimerQueue:
    """Views by ``due_ms``, and those of the same time by their numbers.

    Timers are mostly set in the order in which they fire: those stand in a list, and only the
    others in a heap.

    Args:
        of_open: of open views; those that end meanwhile are passed over.
    """

    __slots__ = ("_first", "_last_due_ms", "_last_number", "_of_open", "_others", "_queue")

    def __init__(self, of_open: bool) -> None:
        self._of_open = of_open
        self._queue: list[View] = []
        self._first = 0
        """The place in the list of the one that fires next."""
        self._last_due_ms = 0
        self._last_number = 0
        self._others: list[tuple[int, int, View]] = []

    def __len__(self) -> int:
        return len(self._queue) - self._first + len(self._others)

    def push(self, view: View, due_ms: int) -> None:
        """Take in a view that is in no queue."""
        view.due_ms = due_ms
        number = view.number
        if (
            self._first == len(self._queue)
            or due_ms > self._last_due_ms
            or (due_ms == self._last_due_ms and number > self._last_number)
        ):
            self._queue.append(view)
            self._last_due_ms, self._last_number = due_ms, number
        else:
            heappush(self._others, (due_ms, number, view))

    def first(self) -> View | None:
        """The view whose timer fires next; None: there is none."""
        queue = self._queue
        while self._first < len(queue) and self._is_over(queue[self._first]):
            self._pass_over_first()
        queued = queue[self._first] if self._first < len(queue) else None
        while self._others and self._is_over(self._others[0][2]):
            heappop(self._others)
        if not self._others:
            return queued
        other = self._others[0][2]
        return other if queued is None or is_before(other, queued) else queued

    def remove_first(self) -> None:
        """Take out what :meth:`first` returned last."""
        if self._others and self.first() is self._others[0][2]:
            heappop(self._others)
        else:
            self._pass_over_first()

    def trim(self, needed: int) -> None:
        """Take out the views that ended, once there are far more than the ``needed`` ones."""
        if len(self) > 2 * needed + TRIM_VIEWS:
            self._queue = [v for v in self._queue[self._first :] if not self._is_over(v)]
            self._first = 0
            self._others = [other for other in self._others if not self._is_over(other[2])]
            heapify(self._others)

    def _is_over(self, view: View) -> bool:
        return self._of_open and view.ended_by != OPEN

    def _pass_over_first(self) -> None:
        self._first += 1
        if self._first >= TRIM_VIEWS and self._first * 2 >= len(self._queue):
            del self._queue[: self._first]
            self._first = 0


class ViewTimers:
    """The timers of one partition: an open view times out, and one that ended is published.

    They fire in the order of their time, then of the view's number, so that every reader of the
    same records sees the same order.
    """

    __slots__ = ("_publications", "_timeouts")

    def __init__(self) -> None:
        self._timeouts = TimerQueue(of_open=True)
        self._publications = TimerQueue(of_open=False)

    def __len__(self) -> int:
        """The views that are kept for a timer, needed or not."""
        return len(self._timeouts) + len(self._publications)

    def set_timeout(self, view: View, due_ms: int, open_views: int) -> None:
        """Fire at ``due_ms`` for a view that has no timer, unless it ends before; it is one of so
        many open ones."""
        self._timeouts.push(view, due_ms)
        self._timeouts.trim(open_views)

    def set_publication(self, view: View, due_ms: int) -> None:
        """Fire at ``due_ms`` for a view that ended."""
        self._publications.push(view, due_ms)

    def pop_due(self, clock_ms: int) -> View | None:
        """The view whose timer fires next, if it does so by ``clock_ms``; it has none then."""
        timeout, publication = self._timeouts.first(), self._publications.first()
        if timeout is not None and (publication is None or is_before(timeout, publication)):
            if timeout.due_ms > clock_ms:
                return None
            self._timeouts.remove_first()
            return timeout
        if publication is None or publication.due_ms > clock_ms:
            return None
        self._publications.remove_first()
        return publication

    def pop_timeout(self) -> View | None:
        """The open view whose timer fires next; it has none then. None: no view is open."""
        view = self._timeouts.first()
        if view is not None:
            self._timeouts.remove_first()
        return view


def is_before(view: View, other: View) -> bool:
    """Whether the timer of ``view`` fires before that of ``other``."""
    if view.due_ms != other.due_ms:
        return view.due_ms < other.due_ms
    return view.number < other.number
