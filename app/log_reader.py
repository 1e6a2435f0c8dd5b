"""Reads checkpoints and the ends of topics over a connection of its own, outside the group."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.restoring import RawBounds
from app.settings import Settings
from models.errors import BrokerUnavailableError

_FETCH_BYTES = 8 << 20
_POLL_MS = 500


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

    async def stop(self) -> None:
        """Drop the connection."""
        if self._offsets is not None:
            await self._offsets.stop()

    async def state_records(self, partition: int) -> dict[bytes, bytes]:
        """The newest value of every key that has one in a partition of the ``state`` topic.

        Raises:
            BrokerUnavailableError: the broker stopped answering.
        """
        tp = TopicPartition(self._state, partition)
        records: dict[bytes, bytes] = {}
        consumer = self._new_consumer()
        try:
            await consumer.start()
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            while True:
                async with asyncio.timeout(self._stall_seconds):
                    fetched = await self._fetch(consumer, tp)
                for record in fetched:
                    if record.value is None:
                        records.pop(record.key, None)
                    elif record.key is not None:
                        records[record.key] = record.value
                if not fetched:
                    return records
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailableError(
                f"the checkpoints in {tp.topic}-{partition} could not be read: {error!r}"
            ) from error
        finally:
            await consumer.stop()

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

    async def _fetch(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> list[Any]:
        """The next records; none at the end of the partition."""
        while True:
            fetched: list[Any] = (await consumer.getmany(tp, timeout_ms=_POLL_MS)).get(tp, [])
            end = consumer.highwater(tp)
            if fetched or (end is not None and await consumer.position(tp) >= end):
                return fetched

    async def _offset_consumer(self) -> AIOKafkaConsumer:
        if self._offsets is None:
            consumer = self._new_consumer()
            try:
                await consumer.start()
            except (KafkaError, OSError) as error:
                await consumer.stop()
                raise BrokerUnavailableError(
                    f"no connection to {self._settings.bootstrap_servers}: {error!r}"
                ) from error
            self._offsets = consumer
        return self._offsets

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            client_id="playvitals-log-reader",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
            check_crcs=False,
        )
