"""Tells whether this process was stopped for so long that others may own its partitions now."""

import time
from collections.abc import Callable

_MARGIN_SECONDS = 2.0


class Pulse:
    """Notices a stall of the process: a beat that is overdue by a session of the consumer group.

    After one, what the process knows may be out of date, until the group has assigned the
    partitions anew or has had the time to.

    Args:
        session_seconds: after so long without a sign of life the group gives partitions away.
        generation: that of the consumer group.
    """

    def __init__(
        self,
        session_seconds: float,
        generation: Callable[[], int],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session_seconds = session_seconds
        self._generation = generation
        self._now = now
        self._beat_at = now()
        self._stalled_generation: int | None = None
        self._doubtful_until = 0.0

    def beat(self) -> None:
        """The process is alive; call it about every second."""
        self._notice()
        self._beat_at = self._now()

    def is_current(self) -> bool:
        """Whether what this process owns is still known to be its own."""
        self._notice()
        if self._stalled_generation is None:
            return True
        if self._generation() != self._stalled_generation or self._now() > self._doubtful_until:
            self._stalled_generation = None
        return self._stalled_generation is None

    def _notice(self) -> None:
        now = self._now()
        if now - self._beat_at > self._session_seconds + _MARGIN_SECONDS:
            self._beat_at = now
            self._stalled_generation = self._generation()
            self._doubtful_until = now + 2 * self._session_seconds
