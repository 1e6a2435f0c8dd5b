"""What is measured of a process that is looked at now and then: after its warm-up, for so long."""

from collections import deque
from dataclasses import dataclass

PACE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at a time: events counted so far, and CPU time used so far."""

    seconds: float
    events: float
    cpu_seconds: float


class Stretch:
    """From the first look after the warm-up to the first one so many seconds later.

    It ends before where the count rises no more. Where that is within the warm-up, it has
    everything.
    """

    def __init__(self, warm_up_seconds: float = 0.0, seconds: float = float("inf")) -> None:
        self.slowest: float | None = None
        """The least rate over any ten seconds of it; None of a shorter one."""
        self._warm_up_seconds = warm_up_seconds
        self._seconds = seconds
        self._warm = False
        self._first: Look | None = None
        self._last: Look | None = None
        self._recent = deque[Look]()

    def add(self, look: Look) -> None:
        """Take a look; times and counts rise."""
        if self._first is None:
            self._begin(look)
            return
        before = self._recent[-1]
        if look.events <= before.events or self.seconds >= self._seconds:
            return
        if not self._warm and before.seconds - self._first.seconds >= self._warm_up_seconds:
            self._warm = True
            self._begin(before)
        self._last = look
        self._see_pace(look)

    @property
    def seconds(self) -> float:
        """How long it is, 0 before two looks."""
        return self._last.seconds - self._first.seconds if self._last and self._first else 0.0

    @property
    def counted(self) -> float:
        """Events within it."""
        return self._last.events - self._first.events if self._last and self._first else 0.0

    @property
    def cpu_seconds(self) -> float:
        """CPU time within it."""
        if self._last is None or self._first is None:
            return 0.0
        return self._last.cpu_seconds - self._first.cpu_seconds

    def _begin(self, look: Look) -> None:
        self._first, self._last = look, None
        self._recent.clear()
        self._recent.append(look)
        self.slowest = None

    def _see_pace(self, look: Look) -> None:
        self._recent.append(look)
        while len(self._recent) > 1 and look.seconds - self._recent[1].seconds >= PACE_SECONDS:
            self._recent.popleft()
        since = self._recent[0]
        if look.seconds - since.seconds >= PACE_SECONDS:
            rate = (look.events - since.events) / (look.seconds - since.seconds)
            self.slowest = rate if self.slowest is None else min(self.slowest, rate)
