"""What a replay can send to."""

from typing import Protocol

from app.replay.lines import Line


class Target(Protocol):
    """Takes lines in order. Failures that retries cannot mend are raised as OperatorError."""

    async def send(self, line: Line) -> None:
        """Take one line; returns when there is room for the next."""

    async def tick(self, time_ms: int) -> None:
        """Move the clock of every partition on to ``time_ms``."""

    async def flush(self) -> None:
        """Return when all that was sent so far is durable or refused."""
