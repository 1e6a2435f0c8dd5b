"""Live streams to pages: server-sent events, once a second."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.live.frames import KEEP_ALIVE, Frames
from app.live.streams import Streams
from app.live.windows_feed import Selection

KEEP_ALIVE_SECONDS = 15
SEND_SECONDS = 30.0
"""A page that takes nothing for so long is given up: it is gone, and nobody said so."""

_FAREWELL_SECONDS = 0.1

STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # Proxies that collect answers before they pass them on would keep it for ever.
    "X-Accel-Buffering": "no",
}


class LiveStream(Response):
    """One stream. It holds no message back for a page that is slow: such a page misses what was
    overtaken meanwhile, and gets all points of the charts.

    Args:
        streams: in which it has a place; that is given back at its end.
    """

    def __init__(
        self,
        streams: Streams,
        frames: Frames,
        selection: Selection,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        super().__init__(headers=STREAM_HEADERS)
        del self.headers["content-length"]
        self._streams = streams
        self._frames = frames
        self._selection = selection
        self._send_seconds = send_seconds
        self._taken = 0
        self._now = self._breakdown = -1
        self._second = -KEEP_ALIVE_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the page leaves, takes nothing any more, or the process ends."""
        left: asyncio.Future[None] = asyncio.ensure_future(_disconnected(receive))
        ends: set[asyncio.Future[None]] = {
            left,
            asyncio.ensure_future(self._streams.wait_stopping()),
        }
        try:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            body = self._first()
            if await self._send(send(start), ends, self._send_seconds):
                while await self._send(send(_part(body)), ends, self._send_seconds):
                    await asyncio.wait(
                        ends, timeout=_to_next_second(), return_when=asyncio.FIRST_COMPLETED
                    )
                    if any(end.done() for end in ends):
                        break
                    body = self._news()
                if not left.done():
                    await self._send(send(_part(b"", more=False)), {left}, _FAREWELL_SECONDS)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            self._streams.leave()

    def _first(self) -> bytes:
        settings = self._frames.settings(self._selection)
        self._taken, history = self._frames.history()
        return settings + history + self._news()

    def _news(self) -> bytes:
        """What changed since the last call."""
        news = []
        self._taken, points = self._frames.points(self._taken)
        news.append(points)
        version, now = self._frames.now()
        if version != self._now:
            self._now = version
            news.append(now)
        version, breakdown = self._frames.breakdown(self._selection)
        if version != self._breakdown:
            self._breakdown = version
            news.append(breakdown)
        second = int(asyncio.get_running_loop().time())
        news.append(self._frames.pipeline(second))
        if second - self._second >= KEEP_ALIVE_SECONDS:
            self._second = second
            news.append(KEEP_ALIVE)
        return b"".join(news)

    async def _send(
        self, sending: Awaitable[None], ends: set[asyncio.Future[None]], seconds: float
    ) -> bool:
        """Send, unless an end comes first or it takes longer than this."""
        sent = asyncio.ensure_future(sending)
        await asyncio.wait({sent, *ends}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not sent.done():
            sent.cancel()
            await asyncio.gather(sent, return_exceptions=True)
            return False
        await sent
        return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _to_next_second() -> float:
    """All streams wake at the same time, so that what one of them encodes serves the others."""
    return 1.0 - asyncio.get_running_loop().time() % 1.0
