"""One live stream, played by an ASGI server that a test controls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.live.feeds import LiveFeeds
from app.live.frames import Frames
from app.live.stream import LiveStream
from app.live.streams import Streams
from app.live.windows_feed import Selection
from app.settings import load_settings
from tests.support.live import T0, fed, figures, window
from tests.support.waiting import until

CDN = Selection("5m", "cdn")
SECONDS = 10.0


class Page:
    """What a server tells a stream, and what it gets, unless it holds back."""

    def __init__(self) -> None:
        self.text = ""
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        self.ended = False
        self.waiting = asyncio.Event()
        """Set once the stream has to wait for the page."""
        self._left = asyncio.Event()
        self._taking = asyncio.Event()
        self._taking.set()

    def hold(self) -> None:
        self._taking.clear()

    def go_on(self) -> None:
        self._taking.set()

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if not self._taking.is_set():
            self.waiting.set()
            await self._taking.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self.text += message["body"].decode()
            self.ended = not message["more_body"]

    def events(self) -> list[str]:
        return [line[7:] for line in self.text.split("\n") if line.startswith("event: ")]

    async def until_event(self, event: str, times: int = 1) -> None:
        async def has_come() -> bool:
            return self.events().count(event) >= times

        await until(has_come, f"{event} came {times} times", SECONDS)


class Stage:
    """A stream with its feeds and its page."""

    def __init__(self, feeds: LiveFeeds, streams: Streams, send_seconds: float = 30.0) -> None:
        self.feeds = feeds
        self.streams = streams
        self.page = Page()
        frames = Frames(feeds, ["1m", "5m"], {}, lambda: T0)
        assert streams.enter()
        stream = LiveStream(streams, frames, CDN, send_seconds)
        self.running = asyncio.ensure_future(stream({}, self.page.receive, self.page.send))

    async def ends(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.running


@asynccontextmanager
async def staged(streams: Streams | None = None, **options: float) -> AsyncIterator[Stage]:
    stage = Stage(fed(load_settings({})), streams or Streams(1), **options)
    try:
        yield stage
    finally:
        stage.page.leave()
        await stage.ends()


async def test_stream_begins_with_settings_and_history_and_then_what_is_now() -> None:
    async with staged() as stage:
        await stage.page.until_event("pipeline")
        assert stage.page.status == 200
        assert stage.page.headers[b"content-type"] == b"text/event-stream"
        assert stage.page.headers[b"cache-control"] == b"no-store"
        assert b"content-length" not in stage.page.headers
        assert stage.page.events()[:5] == ["settings", "history", "now", "breakdown", "pipeline"]
        assert "\n\n: keep-alive\n\n" in stage.page.text


async def test_what_changes_comes_within_seconds_and_what_does_not_stays_away() -> None:
    async with staged() as stage:
        await stage.page.until_event("pipeline")
        stage.feeds.windows.apply([window("5m", "cdn", "cdn-a", of=figures(41))])
        await stage.page.until_event("breakdown", 2)
        assert '"plays":41' in stage.page.text
        stage.feeds.windows.apply([window("1m", "all", of=figures(42))])
        await stage.page.until_event("point")
        await stage.page.until_event("now", 2)
        events = stage.page.events()
        assert (events.count("history"), events.count("breakdown")) == (1, 2)


async def test_page_that_leaves_gives_its_place_back() -> None:
    streams = Streams(1)
    async with staged(streams) as stage:
        await stage.page.until_event("pipeline")
        assert not streams.enter(), "the only place is taken"
        stage.page.leave()
        await stage.ends()
        assert streams.open == 0
        assert not stage.page.ended, "nobody is there to be told"


async def test_end_of_the_process_ends_streams_at_once_and_lets_nobody_in() -> None:
    streams = Streams(2)
    async with staged(streams) as stage:
        await stage.page.until_event("pipeline")
        streams.stop()
        async with asyncio.timeout(0.5):
            await stage.running
        assert stage.page.ended
        assert not streams.enter()


@pytest.mark.parametrize("ends", ["leaves", "process ends"])
async def test_page_that_takes_nothing_does_not_hold_up_the_end(ends: str) -> None:
    streams = Streams(1)
    async with staged(streams) as stage:
        await stage.page.until_event("pipeline")
        stage.page.hold()
        async with asyncio.timeout(SECONDS):
            await stage.page.waiting.wait()
        if ends == "leaves":
            stage.page.leave()
        else:
            streams.stop()
        async with asyncio.timeout(0.5):
            await stage.running
        assert streams.open == 0


async def test_page_that_takes_nothing_for_too_long_is_given_up() -> None:
    streams = Streams(1)
    async with staged(streams, send_seconds=0.05) as stage:
        await stage.page.until_event("pipeline")
        stage.page.hold()
        await stage.ends()
        assert streams.open == 0


async def test_page_that_was_slow_gets_every_point_and_only_the_newest_of_all_else() -> None:
    async with staged() as stage:
        await stage.page.until_event("pipeline")
        stage.page.hold()
        async with asyncio.timeout(SECONDS):
            await stage.page.waiting.wait()
        for number in range(5):
            at_ms = T0 + number * 5000
            stage.feeds.windows.apply([window("1m", "all", "", at_ms, figures(100 + number))])
        stage.page.go_on()
        await stage.page.until_event("now", 2)
        assert [f'"plays":{100 + number}' in stage.page.text for number in range(5)] == [True] * 5
        assert stage.page.events().count("point") == 5
        assert stage.page.events().count("now") == 2
