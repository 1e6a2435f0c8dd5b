"""Reads the content catalogue, a topic that somebody else owns, and follows it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

from aiokafka.errors import KafkaError
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from app.kafka_admin import cluster_views
from app.settings import Settings
from app.topic_reader import Record, TopicReader
from models.catalogue import Catalogue
from models.errors import OperatorError
from models.validation import read_event
from models.verdicts import UNKNOWN_CONTENT, Refusal

_RETRY_SECONDS = 1.0
_POLL_SECONDS = 0.05
# So long may events wait for the broker to say that there is no news of their content.
_CONFIRM_SECONDS = 5.0

log = logging.getLogger(__name__)


class RawRecord(Protocol):
    """A record of the raw topic."""

    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class CatalogueFeed:
    """Folds the records of the topic into the catalogue: a value puts, a tombstone removes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def apply(self, records: Sequence[Record]) -> None:
        """Take in the next records of one partition; a key that is no content id says nothing."""
        for record in records:
            content_id = (record.key or b"").decode(errors="replace")
            if record.value:
                self._catalogue.put(content_id)
            else:
                self._catalogue.remove(content_id, record.timestamp)

    def clear(self) -> None:
        """The topic was made anew: what was known stays until it is removed, or nothing would do
        while it is filled."""
        log.warning("The content catalogue was created anew; its old contents stay known")


class CatalogueReader:
    """The catalogue of ``PLAYVITALS_CATALOGUE_TOPIC``, and how well it is known.

    Args:
        topic: its full name.
        partitions_of: asks the broker how many partitions a topic has; None: it does not exist.
        new_consumer: makes the connection that reads; aiokafka's by default.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        partitions_of: Callable[[str], Awaitable[int | None]] | None = None,
        new_consumer: Callable[[], Any] | None = None,
    ) -> None:
        self.topic = topic
        self.catalogue = Catalogue(settings.catalogue_contents)
        self._settings = settings
        self._partitions_of = partitions_of or partial(_partitions_of, settings)
        self._new_consumer = new_consumer
        self._reader: TopicReader | None = None

    @property
    def is_read(self) -> bool:
        """Whether it was read up to the end that it had at the start."""
        return self._reader is not None and self._reader.caught_up

    async def run(self) -> None:
        """Read until cancelled; with the broker away what is known stays in force.

        Raises:
            OperatorError: the topic does not exist, or has more contents than the limit.
        """
        partitions = await self._find()
        self._reader = TopicReader(
            self._settings.bootstrap_servers,
            partitions,
            self.topic,
            CatalogueFeed(self.catalogue),
            what="The content catalogue",
            new_consumer=self._new_consumer,
        )
        reading = asyncio.create_task(self._reader.run())
        try:
            await _until(lambda: self.catalogue.is_over_limit)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        raise OperatorError(
            f"the content catalogue {self.topic} has more contents than "
            f"PLAYVITALS_CATALOGUE_CONTENTS={self._settings.catalogue_contents}: raise it, and see "
            "that there is memory for them (docs/operations/capacity.md)"
        )

    async def until_read(self) -> None:
        """Wait until it was read once."""
        await _until(lambda: self.is_read)

    async def settle(self, records: Sequence[RawRecord]) -> None:
        """Wait, before raw records are judged, for news of contents that they name too early.

        Whoever puts a content writes it before its first event, but the news may still be on its
        way here. So records that would be refused wait until all is read that was written before
        them, for five seconds at most.
        """
        unknown_ms = max(
            (r.timestamp for r in records if r.value is not None and self._refuses(r)), default=0
        )
        if unknown_ms:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CONFIRM_SECONDS):
                    await _until(lambda: self._complete_ms() >= unknown_ms)

    def collect(self) -> Iterator[Metric]:
        """The metrics, for a Prometheus registry."""
        yield GaugeMetricFamily(
            "playvitals_catalogue_contents",
            "Contents in the catalogue, as far as it was read",
            value=len(self.catalogue),
        )
        current = self._reader is not None and self._reader.is_current()
        yield GaugeMetricFamily(
            "playvitals_catalogue_current",
            "1 while the content catalogue is read up to its end, else 0",
            value=int(current),
        )

    def _refuses(self, record: RawRecord) -> bool:
        checked = read_event(record.value or b"", record.timestamp, None, self.catalogue)
        return isinstance(checked, Refusal) and any(
            fault.reason == UNKNOWN_CONTENT for fault in checked.faults
        )

    def _complete_ms(self) -> int:
        return 0 if self._reader is None else self._reader.complete_ms

    async def _find(self) -> int:
        """The number of partitions; waits while the broker is away."""
        while True:
            try:
                partitions = await self._partitions_of(self.topic)
            except (KafkaError, TimeoutError, OSError) as error:
                log.info("The content catalogue %s is not found yet: %r", self.topic, error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if partitions is None:
                raise OperatorError(
                    f"the content catalogue PLAYVITALS_CATALOGUE_TOPIC={self.topic} does not "
                    f"exist on {self._settings.bootstrap_servers}: create it (compacted, keyed by "
                    "content id) and fill it, or leave the setting out"
                )
            return partitions


def catalogue_reader(settings: Settings) -> CatalogueReader | None:
    """The reader of the catalogue that the settings name, if they do."""
    if settings.catalogue_topic is None:
        return None
    return CatalogueReader(settings, settings.catalogue_topic)


async def _partitions_of(settings: Settings, topic: str) -> int | None:
    """How many partitions a topic has; None where no broker knows it.

    Raises:
        KafkaError: no broker answers.
    """
    views = await cluster_views(settings)
    if not views:
        raise KafkaError("no broker tells what topics it has")
    found = [view.topics[topic].partitions for view in views if topic in view.topics]
    return max(found, default=None)


async def _until(holds: Callable[[], bool]) -> None:
    while True:
        if holds():
            return
        await asyncio.sleep(_POLL_SECONDS)
