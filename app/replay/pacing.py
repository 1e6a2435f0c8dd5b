"""When each line is due."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator


class Pacer:
    """Lets event time pass at a multiple of real time.

    ``speed`` None means as fast as possible. Real time starts with the first event.
    """

    def __init__(
        self,
        speed: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._first_ms: int | None = None
        self._started_seconds = 0.0

    def delay_seconds(self, time_ms: int | None) -> float:
        """How long to wait until an event of that time is due; 0 where it is due already."""
        if self._speed is None or time_ms is None:
            return 0.0
        if self._first_ms is None:
            self._first_ms = time_ms
            self._started_seconds = self._clock()
        due_seconds = (time_ms - self._first_ms) / 1000 / self._speed
        return max(0.0, self._started_seconds + due_seconds - self._clock())

    async def wait(self, time_ms: int | None) -> None:
        """Return when an event of that time is due."""
        while (delay_seconds := self.delay_seconds(time_ms)) > 0:
            await self._sleep(delay_seconds)


def tick_times_ms(last_ms: int, settle_seconds: int, every_seconds: int) -> Iterator[int]:
    """The times of the ticks that move the clock on after the last line.

    Multiples of ``every_seconds`` after ``last_ms``, and the end of the settling itself.
    """
    end_ms = last_ms + settle_seconds * 1000
    yield from range(last_ms + every_seconds * 1000, end_ms, every_seconds * 1000)
    if settle_seconds > 0:
        yield end_ms
