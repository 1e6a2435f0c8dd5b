"""Waiting for a condition on a machine that may be slow."""

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 240.0
POLL_SECONDS = 0.1


class WaitedInVainError(AssertionError):
    """A condition did not come true in minutes."""


async def until(
    holds: Callable[[], Awaitable[bool]], what: str, seconds: float = DEADLINE_SECONDS
) -> None:
    """Wait until ``holds`` says so.

    Raises:
        WaitedInVainError: it did not in ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise WaitedInVainError(f"waited {seconds:.0f} s in vain until {what}")
        await asyncio.sleep(POLL_SECONDS)
