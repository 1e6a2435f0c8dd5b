"""The places for live streams."""

import asyncio


class Streams:
    """The open streams of the process, at most ``limit``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stopping = asyncio.Event()
        self.open = 0

    def enter(self) -> bool:
        """Take a place; False: all are taken, or the process is about to end."""
        if self.open >= self._limit or self._stopping.is_set():
            return False
        self.open += 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        self.open -= 1

    def stop(self) -> None:
        """End every stream at once."""
        self._stopping.set()

    async def wait_stopping(self) -> None:
        """Return when the streams are to end."""
        await self._stopping.wait()
