"""Reads a whole topic over a connection of its own, for as long as the process runs."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from app.kafka_producer import CONNECTION_ERRORS
from models.errors import PlayvitalsError

STALE_SECONDS = 10.0
"""After so long without an answer from the broker, what was read may be out of date."""
RETRY_SECONDS = 1.0

_POLL_MS = 500
_POLL_RECORDS = 500
_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 0.5
# The client finds its brokers again by itself, mostly; after so long a new one is made.
_RECONNECT_SECONDS = 30.0
# So long may the high watermark of a new leader be behind; a topic created anew stays shorter.
_REWOUND_SECONDS = 5.0

log = logging.getLogger(__name__)


class Record(Protocol):
    """A Kafka record; its key and value are None where it has none."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class Feed(Protocol):
    """What the records of a topic are folded into. Nothing here waits."""

    def apply(self, records: Sequence[Record]) -> None:
        """Take in the next records of one partition."""

    def clear(self) -> None:
        """Forget everything: the topic was created anew and is read from its beginning."""


class FeedError(PlayvitalsError):
    """A topic cannot be read at the moment; what was read before may still hold."""


class RewoundError(FeedError):
    """The topic ends before what was read of it: it was created anew."""


class TopicReader:
    """Reads all partitions of a topic without a group, and goes on whatever happens to the broker.

    Args:
        partitions: how many partitions it has.
        topic: its full name.
        what: it is, for the log.
        last_records: begin at so many records before the end of each partition; None: at its
            beginning.
        wall_seconds: the wall clock, in seconds since 1970.
        new_consumer: makes the connection, anew for every attempt; aiokafka's by default.
        retry_seconds: between two attempts.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        partitions: int,
        topic: str,
        feed: Feed,
        *,
        what: str = "The live figures",
        last_records: int | None = None,
        wall_seconds: Callable[[], float] = time.time,
        new_consumer: Callable[[], Any] | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._partitions = partitions
        self._topic = topic
        self._feed = feed
        self._what = what
        self._last_records = last_records
        self._wall_seconds = wall_seconds
        self._retry_seconds = retry_seconds
        self._new_consumer = new_consumer or partial(
            AIOKafkaConsumer,
            bootstrap_servers=bootstrap_servers,
            client_id="playvitals-live",
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_POLL_MS,
        )
        self._positions: dict[TopicPartition, int] = {}
        # Of each partition the time of the last answer that was read to its end, and of the one
        # before it: the request that followed that one has seen all that was written until then.
        self._answered_ms: dict[TopicPartition, int] = {}
        self._complete_ms: dict[TopicPartition, int] = {}
        self._contact_seconds = 0.0
        self._caught_up = False
        self._failing = False
        self._short_since_seconds: float | None = None
        self.failures = 0
        """How often the topic could not be read, since the process started."""

    @property
    def complete_ms(self) -> int:
        """Until when all that was written to the topic is read, in milliseconds since 1970."""
        if len(self._complete_ms) < self._partitions:
            return 0
        return min(self._complete_ms.values())

    @property
    def caught_up(self) -> bool:
        """Whether it was read up to the end that it had at the start."""
        return self._caught_up

    def is_current(self) -> bool:
        """Whether it was read up to its end, and the broker answered in the last seconds."""
        return self._caught_up and self._silent_seconds() <= STALE_SECONDS

    async def run(self) -> None:
        """Read until cancelled. What fails is logged once, and tried again every second."""
        while True:
            try:
                await self._read()
            except FeedError as error:
                self._failed(str(error))
            except CONNECTION_ERRORS as error:
                self._failed(repr(error))
            except Exception as error:
                # A bug in a feed: it must not take the API with it.
                log.exception("Reading %s failed", self._topic)
                self._failed(repr(error))
            await asyncio.sleep(self._retry_seconds)

    async def _read(self) -> None:
        consumer = self._new_consumer()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await consumer.start()
                ends = await self._begin(consumer)
            connected_seconds = self._wall_seconds()
            while True:
                # Many at a time would keep the requests of the API waiting.
                fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                for tp, records in fetched.items():
                    self._feed.apply(records)
                    self._positions[tp] = records[-1].offset + 1
                await self._look(consumer, ends, connected_seconds)
                await asyncio.sleep(0)
        except (OffsetOutOfRangeError, RewoundError) as error:
            self._positions.clear()
            self._feed.clear()
            self._caught_up = False
            raise FeedError(f"it was created anew and is read again ({error!r})") from error
        finally:
            try:
                await asyncio.wait_for(consumer.stop(), _CLOSE_SECONDS)
            except CONNECTION_ERRORS as error:
                log.info("The connection for %s was dropped: %r", self._topic, error)

    async def _begin(self, consumer: Any) -> Mapping[TopicPartition, int]:
        """Go to where reading begins or goes on; the ends of the partitions at that moment."""
        # All topics, never by name: asking for a topic that does not exist may create it.
        if self._topic not in await consumer.topics():
            raise FeedError(
                "it does not exist; the worker creates it, and so does 'playvitals topics create'"
            )
        tps = [TopicPartition(self._topic, partition) for partition in range(self._partitions)]
        consumer.assign(tps)
        begins = await consumer.beginning_offsets(tps)
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(tps)
        for tp in tps:
            begin = begins[tp]
            if self._last_records is not None:
                begin = max(begin, ends[tp] - self._last_records)
            consumer.seek(tp, self._positions.setdefault(tp, begin))
        return ends

    async def _look(
        self,
        consumer: Any,
        ends: Mapping[TopicPartition, int],
        connected_seconds: float,
    ) -> None:
        """See how far it was read, and when the broker last answered for every partition."""
        # The end that was asked for can be behind, on the embedded broker, and so can the high
        # watermark of a leader that was just elected.
        marks = {tp: consumer.highwater(tp) for tp in ends}
        polled_ms = {tp: consumer.last_poll_timestamp(tp) for tp in ends}
        for tp, at_ms in polled_ms.items():
            # Past the last record, too, where the marker of a transaction follows it.
            self._positions[tp] = await consumer.position(tp)
            if at_ms is not None and self._positions[tp] >= marks[tp]:
                self._answered(tp, at_ms)
        if None not in polled_ms.values():
            self._contact_seconds = min(polled_ms.values()) / 1000
            self._caught_up = self._caught_up or all(
                self._positions[tp] >= max(marks[tp], end) for tp, end in ends.items()
            )
            if self._caught_up and self._failing and self.is_current():
                self._failing = False
                log.info("%s is read again", self._topic)
        self._require_not_rewound(marks)
        since_seconds = max(self._contact_seconds, connected_seconds)
        if self._wall_seconds() - since_seconds > _RECONNECT_SECONDS:
            raise FeedError(f"no answer for {_RECONNECT_SECONDS:.0f} s")

    def _answered(self, tp: TopicPartition, at_ms: int) -> None:
        """All that an answer brought of a partition was read."""
        before_ms = self._answered_ms.get(tp, 0)
        if at_ms > before_ms:
            self._complete_ms[tp] = before_ms
            self._answered_ms[tp] = at_ms

    def _require_not_rewound(self, marks: Mapping[TopicPartition, int | None]) -> None:
        now_seconds = self._wall_seconds()
        short = [
            f"partition {tp.partition} ends at {mark} and was read up to {self._positions[tp]}"
            for tp, mark in marks.items()
            if mark is not None and mark < self._positions[tp]
        ]
        if not short:
            self._short_since_seconds = None
        elif self._short_since_seconds is None:
            self._short_since_seconds = now_seconds
        elif now_seconds - self._short_since_seconds > _REWOUND_SECONDS:
            self._short_since_seconds = None
            raise RewoundError(short[0])

    def _silent_seconds(self) -> float:
        return self._wall_seconds() - self._contact_seconds

    def _failed(self, reason: str) -> None:
        self.failures += 1
        level = logging.DEBUG if self._failing else logging.WARNING
        self._failing = True
        log.log(
            level,
            "%s: not up to date, %s on %s cannot be read: %s. See that the brokers answer and "
            "allow it; trying again every %g s, and taking events all the same",
            self._what,
            self._topic,
            self._bootstrap_servers,
            reason,
            self._retry_seconds,
        )
