"""How many requests one key may make per minute."""

import time
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

WINDOW_SECONDS = 60
_MAX_KEYS = 100_000


class Allowance(NamedTuple):
    """What is left of a key's minute; ``reset_seconds`` until the next one begins."""

    limit: int
    remaining: int
    reset_seconds: int
    exceeded: bool

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The three headers that every response carries."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_seconds),
        ]


class RateLimit:
    """Counts requests per key in whole minutes, in this process."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._minute = -1
        self._used: dict[bytes, int] = {}

    def count(self, key: bytes) -> Allowance:
        """Count one request of ``key``."""
        reset_seconds = self._reset_seconds()
        used = self._used.get(key, 0) + 1
        if used == 1 and len(self._used) >= _MAX_KEYS:
            used = 0
        else:
            self._used[key] = used
        limit = self._limit
        return Allowance(limit, max(0, limit - used), reset_seconds, used > limit)

    def peek(self) -> Allowance:
        """The allowance of someone who made no request yet."""
        return Allowance(self._limit, self._limit, self._reset_seconds(), exceeded=False)

    def _reset_seconds(self) -> int:
        """Until the next minute, which begins with nothing used."""
        now = self._clock()
        minute = int(now // WINDOW_SECONDS)
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
        return ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
