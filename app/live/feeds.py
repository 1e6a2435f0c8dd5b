"""The feeds behind the live figures, and the readers that fill them."""

import asyncio
from functools import partial
from typing import Protocol

from app.live.pipeline_feed import PipelineFeed
from app.live.rejected_feed import LAST_RECORDS, RejectedFeed
from app.live.streams import Streams
from app.live.windows_feed import WindowsFeed
from app.settings import Settings
from app.topic_reader import Feed, TopicReader


class Reader(Protocol):
    """Fills a feed, and tells how well that goes: a :class:`TopicReader`, or a fake in tests."""

    failures: int

    @property
    def caught_up(self) -> bool: ...

    def is_current(self) -> bool: ...

    async def run(self) -> None: ...


class NewReader(Protocol):
    """Makes the reader of a topic, given by its full name."""

    def __call__(self, topic: str, feed: Feed, *, last_records: int | None = None) -> Reader: ...


class LiveFeeds:
    """What the API process knows of the topics ``windows``, ``health`` and ``events.rejected``.

    Each is read by a task of its own that nothing stops but :meth:`stop`: what a broker does to
    one changes neither the others nor the intake of events.

    Args:
        new_reader: makes the readers; those of Kafka by default.
    """

    def __init__(self, settings: Settings, new_reader: NewReader | None = None) -> None:
        new = new_reader or partial(TopicReader, settings.bootstrap_servers, settings.partitions)
        self.windows = WindowsFeed([w.label for w in settings.windows], settings.dimensions)
        self.pipeline = PipelineFeed(settings.partitions)
        self.rejected = RejectedFeed()
        self.readers: dict[str, Reader] = {
            "windows": new(settings.topic("windows"), self.windows),
            "health": new(settings.topic("health"), self.pipeline),
            "rejected": new(
                settings.topic("events.rejected"), self.rejected, last_records=LAST_RECORDS
            ),
        }
        self.streams = Streams(settings.live_streams)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def windows_reader(self) -> Reader:
        """The reader of the rolling windows."""
        return self.readers["windows"]

    def start(self) -> None:
        """Begin to read."""
        self._tasks = [asyncio.create_task(reader.run()) for reader in self.readers.values()]

    async def stop(self) -> None:
        """End the streams and read no more."""
        self.streams.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
