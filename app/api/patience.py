"""How long requests wait for the broker."""

import asyncio
from math import inf


class Patience:
    """Gives up on futures that are not done at their deadlines.

    One timer watches all of them: one each would cost more than most steps of a request.
    """

    def __init__(self) -> None:
        self._deadlines: dict[asyncio.Future[None], float] = {}
        self._watched_until = inf

    async def wait(self, future: "asyncio.Future[None]", deadline: float) -> None:
        """Wait for ``future``, which is the caller's own, until the loop's time is ``deadline``.

        Raises:
            TimeoutError: it was not done by then.
        """
        self._deadlines[future] = deadline
        if deadline < self._watched_until:
            self._watch(future.get_loop(), deadline)
        try:
            await future
        finally:
            del self._deadlines[future]
            # An error would otherwise be part of a circle: its traceback holds on to this call,
            # which holds on to the future.
            del future

    def _watch(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        self._watched_until = until
        loop.call_at(until, self._give_up, loop)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for future, deadline in self._deadlines.items():
            if deadline <= now and not future.done():
                future.set_exception(TimeoutError())
        later = [deadline for deadline in self._deadlines.values() if deadline > now]
        self._watched_until = inf
        if later:
            self._watch(loop, min(later))
