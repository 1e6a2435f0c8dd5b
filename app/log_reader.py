"""Reads checkpoints and the ends of topics over a connection of its own, outside the group."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.restoring import RawBounds
from app.settings import Settings
from models.errors import BrokerUnavailableError

log = logging.getLogger(__name__)

_FETCH_BYTES = 8 << 20
_POLL_MS = 100
_STOP_SECONDS = 10.0


async def _stopped(consumer: AIOKafkaConsumer) -> None:
    """Stop a client; one that does not end is left alone, so that nothing waits for it."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait((stopping,), timeout=_STOP_SECONDS)
    if not stopping.done():
        log.warning("A reader did not stop within %.0f s", _STOP_SECONDS)


class LogReader:
    """A reader of whole partitions.

    Args:
        stall_seconds: how long to go without an answer before giving up.
    """

    def __init__(self, settings: Settings, stall_seconds: float) -> None:
        self._settings = settings
        self._raw = settings.topic("events.raw")
        self._state = settings.topic("state")
        self._stall_seconds = stall_seconds
        self._offsets: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()

    async def stop(self) -> None:
        """Drop the connection."""
        if self._offsets is not None:
            await self._offsets.stop()

    async def state_records(self, partition: int) -> dict[bytes, bytes]:
        """The newest value of every key that has one in a partition of the ``state`` topic.

        Raises:
            BrokerUnavailableError: the broker stopped answering.
        """
        return await self._newest([TopicPartition(self._state, partition)])

    async def published_windows(self) -> list[str]:
        """The slices that have a value in the ``windows`` topic: ``window|dimension|value``.

        Raises:
            BrokerUnavailableError: the broker stopped answering.
        """
        topic = self._settings.topic("windows")
        everywhere = [TopicPartition(topic, n) for n in range(self._settings.partitions)]
        return [key.decode() for key in await self._newest(everywhere)]

    async def _newest(self, tps: list[TopicPartition]) -> dict[bytes, bytes]:
        records: dict[bytes, bytes] = {}
        consumer = self._new_consumer()
        try:
            async with asyncio.timeout(self._stall_seconds):
                await consumer.start()
                consumer.assign(tps)
                await consumer.seek_to_beginning(*tps)
                ends = await consumer.end_offsets(tps)
            while True:
                async with asyncio.timeout(self._stall_seconds):
                    fetched = await self._fetch(consumer, ends)
                for record in fetched:
                    if record.value is None:
                        records.pop(record.key, None)
                    elif record.key is not None:
                        records[record.key] = record.value
                if not fetched:
                    break
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailableError(f"{tps[0].topic} could not be read: {error!r}") from error
        finally:
            await _stopped(consumer)
        return records

    async def raw_bounds(self, partition: int) -> RawBounds:
        """The offsets that a raw partition holds.

        Raises:
            BrokerUnavailableError: the broker did not answer.
        """
        tp = TopicPartition(self._raw, partition)
        consumer = await self._offset_consumer()
        try:
            async with asyncio.timeout(self._stall_seconds):
                begin: int = (await consumer.beginning_offsets([tp]))[tp]
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailableError(
                f"the offsets of {tp.topic}-{partition} could not be read: {error!r}"
            ) from error
        # The embedded broker answers with an offset before the end.
        end = None if self._settings.embedded else (await self.raw_ends([partition]))[partition]
        return RawBounds(begin, end)

    async def raw_ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """The offset after the last record per raw partition; on the embedded broker at most that.

        Raises:
            BrokerUnavailableError: the broker did not answer.
        """
        consumer = await self._offset_consumer()
        tps = [TopicPartition(self._raw, partition) for partition in partitions]
        try:
            async with asyncio.timeout(self._stall_seconds):
                ends = await consumer.end_offsets(tps)
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailableError(
                f"the ends of {self._raw} could not be read: {error!r}"
            ) from error
        return {tp.partition: end for tp, end in ends.items()}

    async def _fetch(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> list[Any]:
        """The next records; none at the end of the partitions.

        The end has been asked for, since the high watermark of a leader that was just elected can
        be behind; on the embedded broker the watermark is right and the answer is behind.
        """
        while True:
            fetched = await consumer.getmany(*ends, timeout_ms=_POLL_MS)
            if fetched:
                return [record for records in fetched.values() for record in records]
            reached = [
                (await consumer.position(tp), consumer.highwater(tp), end)
                for tp, end in ends.items()
            ]
            if all(mark is not None and at >= max(mark, end) for at, mark, end in reached):
                return []

    async def _offset_consumer(self) -> AIOKafkaConsumer:
        async with self._connecting:
            if self._offsets is None:
                consumer = self._new_consumer()
                try:
                    await consumer.start()
                except BaseException as error:
                    await consumer.stop()
                    if isinstance(error, KafkaError | OSError):
                        raise BrokerUnavailableError(
                            f"no connection to {self._settings.bootstrap_servers}: {error!r}"
                        ) from error
                    raise
                self._offsets = consumer
            return self._offsets

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            client_id="playvitals-log-reader",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=_POLL_MS,
        )
