"""Writes records in batches per partition, many times faster than one send per record."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from models.errors import BrokerUnavailableError

MAX_BATCH_BYTES = 256 << 10
MAX_PENDING_BYTES = 32 << 20

_RECORD_OVERHEAD_BYTES = 64
_RECONNECT_SECONDS = 0.5
_NO_HEADERS: list[tuple[str, bytes]] = []

log = logging.getLogger(__name__)

_TopicPartition = tuple[str, int]


class _Batch:
    """Records of one partition on their way, and the future that all of them share."""

    __slots__ = ("acknowledged", "bytes", "deadline", "records")

    def __init__(self, records: BatchBuilder, deadline: float) -> None:
        self.records = records
        self.bytes = 0
        self.deadline = deadline
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Who does not look at the future of a record must not cause a warning about it.
        self.acknowledged.add_done_callback(lambda done: done.cancelled() or done.exception())


class KafkaWriter:
    """Appends records to per-partition batches and ships them with ``acks=all``.

    The batches of a partition go out one after the other, so records keep their order. A broker
    that is away fails what is appended, after a time; a new connection is made in the background.

    Args:
        linger_seconds: how long a record may wait for company in its batch.
        timeout_seconds: after this long without an acknowledgement a record has failed. It may
            still arrive: sending it again must be safe.
        max_pending_bytes: what :meth:`wait_room` holds callers to.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        client_id: str,
        linger_seconds: float,
        timeout_seconds: float,
        max_batch_bytes: int = MAX_BATCH_BYTES,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._client_id = client_id
        self._linger_seconds = linger_seconds
        self._timeout_seconds = timeout_seconds
        self._max_batch_bytes = max_batch_bytes
        self._max_pending_bytes = max_pending_bytes
        self._queues: dict[_TopicPartition, deque[_Batch]] = {}
        self._shipping: dict[_TopicPartition, asyncio.Task[None]] = {}
        self._unacknowledged: set[_Batch] = set()
        self._pending_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._work = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._producer = self._new_producer()
        self._connection = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether a connection to the brokers was made; it may be broken again."""
        return self._connection.is_set()

    async def start(self) -> None:
        """Begin to ship, and wait for the first connection for at most the time-out."""
        connecting = asyncio.create_task(self._connect())
        self._tasks = [connecting, asyncio.create_task(self._dispatch())]
        await asyncio.wait({connecting}, timeout=self._timeout_seconds)

    async def stop(self) -> None:
        """Ship what is left, for at most the time-out, and close the connection."""
        if self.connected:
            await asyncio.wait_for(self._settled(), self._timeout_seconds)
        tasks = [*self._tasks, *self._shipping.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for batch in list(self._unacknowledged):
            self._resolve(batch, BrokerUnavailableError("the writer was stopped"))
        if self.connected:
            await self._producer.stop()

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> "asyncio.Future[None]":
        """Take a record; the future, shared by its batch, resolves once the broker has it.

        It fails with BrokerUnavailableError. The record's time is now where none is given.
        """
        if timestamp_ms is None:
            timestamp_ms = time.time_ns() // 1_000_000
        queue = self._queues.get((topic, partition))
        if queue is None:
            queue = self._queues[topic, partition] = deque()
        batch = queue[-1] if queue else self._open_batch(queue)
        headers = headers or _NO_HEADERS
        taken = batch.records.append(timestamp=timestamp_ms, key=key, value=value, headers=headers)
        if taken is None:
            batch = self._open_batch(queue)
            batch.records.append(timestamp=timestamp_ms, key=key, value=value, headers=headers)
        size = len(key or b"") + len(value or b"") + _RECORD_OVERHEAD_BYTES
        batch.bytes += size
        self._pending_bytes += size
        return batch.acknowledged

    async def wait_room(self) -> None:
        """Return once the bytes that are not acknowledged yet are under the limit."""
        if self._pending_bytes >= self._max_pending_bytes:
            self._room.clear()
            await self._room.wait()

    async def flush(self) -> None:
        """Wait for the acknowledgement of everything appended so far.

        Raises:
            BrokerUnavailableError: a record among it failed.
        """
        await asyncio.gather(*[batch.acknowledged for batch in self._unacknowledged])

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has.

        Raises:
            BrokerUnavailableError: the brokers cannot be asked, or do not know the topic.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._connection.wait()
                return len(await self._producer.partitions_for(topic))
        except (TimeoutError, KafkaError) as error:
            raise BrokerUnavailableError(f"cannot look up topic {topic}: {error!r}") from None

    async def is_reachable(self, topic: str) -> bool:
        """Whether the brokers answer right now and have ``topic``."""
        if not self.connected:
            return False
        client = self._producer.client
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await client.force_metadata_update()
        except (TimeoutError, KafkaError):
            return False
        return bool(client.cluster.partitions_for_topic(topic))

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            max_batch_size=self._max_batch_bytes,
            request_timeout_ms=round(self._timeout_seconds * 1000),
            metadata_max_age_ms=30_000,
        )

    async def _connect(self) -> None:
        while True:
            try:
                await self._producer.start()
            except KafkaError as error:
                log.warning("Cannot reach Kafka at %s: %s", self._bootstrap_servers, error)
                await self._producer.stop()
                await asyncio.sleep(_RECONNECT_SECONDS)
                self._producer = self._new_producer()
            else:
                self._connection.set()
                self._work.set()
                return

    def _open_batch(self, queue: deque[_Batch]) -> _Batch:
        deadline = time.monotonic() + self._timeout_seconds
        batch = _Batch(self._producer.create_batch(), deadline)
        queue.append(batch)
        self._unacknowledged.add(batch)
        self._work.set()
        return batch

    async def _dispatch(self) -> None:
        """Start one shipment per partition that has something."""
        while True:
            await self._work.wait()
            self._work.clear()
            await asyncio.sleep(self._linger_seconds)
            for place, queue in self._queues.items():
                if queue and place not in self._shipping:
                    shipment = asyncio.create_task(self._ship(place, queue))
                    self._shipping[place] = shipment

    async def _ship(self, place: _TopicPartition, queue: deque[_Batch]) -> None:
        try:
            while queue:
                await self._ship_one(place, queue.popleft())
        finally:
            del self._shipping[place]
            if queue:
                self._work.set()

    async def _ship_one(self, place: _TopicPartition, batch: _Batch) -> None:
        topic, partition = place
        batch.records.close()
        try:
            async with asyncio.timeout_at(_loop_time(batch.deadline)):
                await self._connection.wait()
                delivery = await self._producer.send_batch(
                    batch.records, topic, partition=partition
                )
                await delivery
        except (TimeoutError, KafkaError) as error:
            self._resolve(
                batch,
                BrokerUnavailableError(
                    f"{topic}-{partition} was not acknowledged by {self._bootstrap_servers} "
                    f"within {self._timeout_seconds:g} s: {error!r}"
                ),
            )
        else:
            self._resolve(batch, None)

    def _resolve(self, batch: _Batch, error: BrokerUnavailableError | None) -> None:
        self._unacknowledged.discard(batch)
        self._pending_bytes -= batch.bytes
        if self._pending_bytes < self._max_pending_bytes:
            self._room.set()
        if not batch.acknowledged.done():
            if error is None:
                batch.acknowledged.set_result(None)
            else:
                batch.acknowledged.set_exception(error)

    async def _settled(self) -> None:
        while self._unacknowledged:
            waiting: Sequence[asyncio.Future[None]] = [b.acknowledged for b in self._unacknowledged]
            await asyncio.wait(waiting)


def _loop_time(monotonic_deadline: float) -> float:
    return asyncio.get_running_loop().time() + monotonic_deadline - time.monotonic()
