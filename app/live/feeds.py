"""The feeds behind the live figures, and the readers that fill them."""

import asyncio

from app.live.pipeline_feed import PipelineFeed
from app.live.rejected_feed import LAST_RECORDS, RejectedFeed
from app.live.streams import Streams
from app.live.topic_reader import TopicReader
from app.live.windows_feed import WindowsFeed
from app.settings import Settings


class LiveFeeds:
    """What the API process knows of the topics ``windows``, ``health`` and ``events.rejected``.

    Each is read by a task of its own that nothing stops but :meth:`stop`: what a broker does to
    one changes neither the others nor the intake of events.
    """

    def __init__(self, settings: Settings) -> None:
        self.windows = WindowsFeed([w.label for w in settings.windows], settings.dimensions)
        self.pipeline = PipelineFeed(settings.partitions)
        self.rejected = RejectedFeed()
        servers = settings.bootstrap_servers
        self.readers = {
            "windows": TopicReader(servers, settings.topic("windows"), self.windows),
            "health": TopicReader(servers, settings.topic("health"), self.pipeline),
            "rejected": TopicReader(
                servers,
                settings.topic("events.rejected"),
                self.rejected,
                last_records=LAST_RECORDS,
            ),
        }
        self.streams = Streams(settings.live_streams)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def windows_reader(self) -> TopicReader:
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
