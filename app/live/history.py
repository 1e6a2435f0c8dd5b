"""The course of the last hour, as the charts show it."""

from collections import deque

from msgspec import Struct

from models.windows import WindowRecord

STEP_SECONDS = 5
KEPT_SECONDS = 3_600
_STEP_MS = STEP_SECONDS * 1000


class Point(Struct, rename="camel", frozen=True):
    """The figures of one moment; null where there is no value."""

    at: str
    startup_p50_ms: int | None
    startup_p95_ms: int | None
    startup_p99_ms: int | None
    rebuffer_ratio: float | None
    completion_ratio: float | None
    active_viewers: int
    plays: int
    start_failures: int
    playback_failures: int


class History:
    """One point per step of server time: the first record of each step.

    ``taken`` numbers the points: it is that of the newest one, and never falls.
    """

    def __init__(self) -> None:
        self.points: deque[Point] = deque(maxlen=KEPT_SECONDS // STEP_SECONDS)
        self.taken = 0
        self._steps: deque[int] = deque(maxlen=self.points.maxlen)

    def add(self, record: WindowRecord, at_ms: int) -> None:
        """Take in a record of the slice of everything, as it was at ``at_ms``."""
        step = at_ms // _STEP_MS
        if self._steps and step <= self._steps[-1]:
            return
        self._steps.append(step)
        self.points.append(
            Point(
                at=record.end,
                startup_p50_ms=record.startup.p50_ms,
                startup_p95_ms=record.startup.p95_ms,
                startup_p99_ms=record.startup.p99_ms,
                rebuffer_ratio=record.rebuffer_ratio,
                completion_ratio=record.completion_ratio,
                active_viewers=record.active_viewers,
                plays=record.plays,
                start_failures=record.start_failures,
                playback_failures=record.playback_failures,
            )
        )
        self.taken += 1
        while step - self._steps[0] >= KEPT_SECONDS // STEP_SECONDS:
            self._steps.popleft()
            self.points.popleft()

    def after(self, taken: int) -> list[Point]:
        """The points that came after the one of this number, oldest first, as far as kept."""
        news = self.taken - taken
        return list(self.points)[-news:] if news > 0 else []

    def clear(self) -> None:
        """Forget every point."""
        self.points.clear()
        self._steps.clear()
