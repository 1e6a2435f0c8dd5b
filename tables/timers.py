"""When views time out and when ended ones are published, in server time."""

from heapq import heappop, heappush
from typing import Final

from models.views import View

FAR_FUTURE_MS: Final = 1 << 62
TIMEOUT: Final = 0
PUBLISH: Final = 1

_Timer = tuple[int, int, View]
"""When it fires, and the number of the view before the view: one is never compared to another."""


class ViewTimers:
    """The timers of one partition; a view has one of each kind at most.

    They fire in the order of their time, then of the view's number, so that every reader of the
    same records sees the same order.
    """

    __slots__ = ("_heaps",)

    def __init__(self) -> None:
        self._heaps: tuple[list[_Timer], list[_Timer]] = ([], [])

    def set(self, due_ms: int, kind: int, view: View) -> None:
        """Fire at ``due_ms``."""
        heappush(self._heaps[kind], (due_ms, view.number, view))

    def next_due_ms(self) -> int:
        """When the next one fires; far in the future where there is none."""
        timeouts, publishing = self._heaps
        due_ms = timeouts[0][0] if timeouts else FAR_FUTURE_MS
        if publishing and publishing[0][0] < due_ms:
            return publishing[0][0]
        return due_ms

    def pop(self) -> tuple[int, int, View]:
        """The next one of all: its time, its kind and the view."""
        timeouts, publishing = self._heaps
        kind = TIMEOUT
        if not timeouts or (publishing and publishing[0][:2] < timeouts[0][:2]):
            kind = PUBLISH
        due_ms, view = self.pop_kind(kind)
        return due_ms, kind, view

    def pop_kind(self, kind: int) -> tuple[int, View]:
        """The next one of a kind: its time and the view."""
        due_ms, _, view = heappop(self._heaps[kind])
        return due_ms, view
