"""Tells whether this process was stopped for so long that others may own its partitions now."""

import asyncio
import time
from collections.abc import Callable

BEAT_SECONDS = 1.0
STALL_SHARE = 0.7
"""The group counts a session from the last heartbeat, up to a quarter of it before the stall."""
DOUBT_SHARE = 0.5


class Pulse:
    """Notices a stall of the process: a beat that is overdue by about a session of the group.

    After one, what the process knows may be out of date: until the group has assigned the
    partitions anew, or half a session has passed in which it did not want to.

    Args:
        session_seconds: after so long without a sign of life the group gives partitions away.
        generation: that of the consumer group.
        is_assigned: whether partitions are assigned, and not about to be.
    """

    def __init__(
        self,
        session_seconds: float,
        generation: Callable[[], int],
        is_assigned: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stall_seconds = STALL_SHARE * session_seconds
        self._doubt_seconds = DOUBT_SHARE * session_seconds
        self._generation = generation
        self._is_assigned = is_assigned
        self._now = now
        self._beat_at = now()
        self._stalled_generation: int | None = None
        self._doubtful_until = 0.0

    async def keep(self) -> None:
        """Beat for ever; from before partitions can be assigned, or a long start is a stall."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    def beat(self) -> None:
        """The process is alive; call it about every second."""
        self._notice()
        self._beat_at = self._now()

    def is_current(self) -> bool:
        """Whether what this process owns is still known to be its own."""
        self._notice()
        if self._stalled_generation is None:
            return True
        is_unchanged = self._is_assigned() and self._now() > self._doubtful_until
        if self._generation() != self._stalled_generation or is_unchanged:
            self._stalled_generation = None
        return self._stalled_generation is None

    def _notice(self) -> None:
        now = self._now()
        if now - self._beat_at > self._stall_seconds:
            self._beat_at = now
            self._stalled_generation = self._generation()
            self._doubtful_until = now + self._doubt_seconds
