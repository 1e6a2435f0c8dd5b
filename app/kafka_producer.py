"""The connection to Kafka that the writer ships its batches over."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

CONNECTION_ERRORS = (
    KafkaError,  # everything that the client itself reports
    OSError,  # refused, reset, or a name that does not resolve
    TimeoutError,  # a broker that accepts connections and then says nothing
)

_METADATA_MAX_AGE_MS = 30_000


class RecordBatch(Protocol):
    """Records of one partition that are sent as one."""

    def append(
        self,
        *,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> object | None:
        """Take a record, or return None where it is full; the first record always fits."""

    def close(self) -> None:
        """Take nothing any more."""


class Producer(Protocol):
    """What the writer needs of a Kafka producer."""

    async def start(self) -> None:
        """Connect; fails with one of :data:`CONNECTION_ERRORS`."""

    async def stop(self) -> None:
        """Drop the connection."""

    def create_batch(self) -> RecordBatch:
        """An empty batch."""

    async def send_batch(
        self, batch: RecordBatch, topic: str, *, partition: int
    ) -> Awaitable[object]:
        """Hand over a batch; what it returns resolves at the acknowledgement."""

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has; fails where it does not exist."""

    async def is_reachable(self, topic: str) -> bool:
        """Ask the brokers, now, whether ``topic`` exists."""


class KafkaProducer:
    """A :class:`Producer` over aiokafka, with ``acks=all``.

    Args:
        request_seconds: after this long without an answer a request has failed, and its batch too.
    """

    def __init__(
        self, bootstrap_servers: str, *, client_id: str, request_seconds: float, batch_bytes: int
    ) -> None:
        self._kafka = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            max_batch_size=batch_bytes,
            request_timeout_ms=round(request_seconds * 1000),
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        )

    async def start(self) -> None:
        """Connect."""
        await self._kafka.start()

    async def stop(self) -> None:
        """Drop the connection."""
        await self._kafka.stop()

    def create_batch(self) -> RecordBatch:
        """An empty batch."""
        return cast(RecordBatch, self._kafka.create_batch())

    async def send_batch(
        self, batch: RecordBatch, topic: str, *, partition: int
    ) -> Awaitable[object]:
        """Hand over a batch; what it returns resolves at the acknowledgement."""
        if partition >= await self.partition_count(topic):
            raise UnknownTopicOrPartitionError(f"{topic} has no partition {partition}")
        sent: asyncio.Future[Any] = await self._kafka.send_batch(batch, topic, partition=partition)
        # A batch that fails after its time-out fails with nobody left to look at it.
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asyncio.shield(sent)

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has."""
        client = self._kafka.client
        if client.cluster.partitions_for_topic(topic) is None:
            # Asking for a missing topic by its name may create it, with a number of partitions
            # that is the broker's choice.
            everything = await client.fetch_all_metadata()
            if not everything.partitions_for_topic(topic):
                raise UnknownTopicOrPartitionError(f"there is no topic {topic}")
        return len(await self._kafka.partitions_for(topic))

    async def is_reachable(self, topic: str) -> bool:
        """Ask the brokers, now, whether ``topic`` exists."""
        everything = await self._kafka.client.fetch_all_metadata()
        return bool(everything.partitions_for_topic(topic))
