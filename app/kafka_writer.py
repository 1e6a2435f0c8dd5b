"""Writes records in batches per partition, many times faster than one send per record."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from app.kafka_batches import Batch, HeadedRecord, Lane, Receipt
from app.kafka_pending import Pending
from app.kafka_producer import CONNECTION_ERRORS, Appended, KafkaProducer, Producer
from app.kafka_shipping import Shipping
from models.errors import BrokerUnavailableError

MAX_BATCH_BYTES = 256 << 10
MAX_PENDING_BYTES = 32 << 20

_RECONNECT_SECONDS = 0.5
# A broker that has stalled answers nothing. Within this time another one leads in its place, and
# no replica waits for it any more.
_REQUEST_SECONDS = 20.0
_CLOSE_SECONDS = 0.5
_STOPPED = "the writer was stopped"

Listed = list[tuple[str, bytes | None]]
_NO_HEADERS: Listed = []

log = logging.getLogger(__name__)

Record = tuple[int, bytes | None, bytes | None]
"""Partition, key and value."""


class KafkaWriter:
    """Appends records to per-partition batches and ships them with ``acks=all``.

    The batches of a partition go out one after the other, so records keep their order. A broker
    that is away fails what is appended, after a time; a new connection is made in the background.

    Args:
        linger_seconds: how long a record may wait for company in its batch.
        timeout_seconds: after this long without an acknowledgement a record has failed. It may
            still arrive: sending it again must be safe.
        max_pending_bytes: what :meth:`wait_room` holds callers to.
        new_producer: makes the connection, anew for every attempt; aiokafka's by default.
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
        new_producer: Callable[[], Producer] | None = None,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._pending = Pending(bootstrap_servers, timeout_seconds, max_pending_bytes)
        self._shipping = Shipping(self._lanes.values, linger_seconds, self._pending.settle)
        self._stopped = False
        self._connection = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._new_producer = new_producer or partial(
            KafkaProducer,
            bootstrap_servers,
            client_id=client_id,
            request_seconds=min(timeout_seconds, _REQUEST_SECONDS),
            batch_bytes=max_batch_bytes,
        )
        self._producer = self._new_producer()

    @property
    def connected(self) -> bool:
        """Whether a connection to the brokers was made; it may be broken again."""
        return self._connection.is_set()

    async def start(self) -> None:
        """Begin to ship, and wait for the first connection for at most the time-out."""
        connecting = asyncio.create_task(self._connect())
        self._tasks = [connecting, asyncio.create_task(self._ship())]
        await asyncio.wait({connecting}, timeout=self._timeout_seconds)

    async def stop(self, grace_seconds: float | None = None) -> None:
        """Ship what is left, for ``grace_seconds`` or else the time-out, and disconnect.

        What is not acknowledged by then, or appended later, fails with BrokerUnavailableError.
        """
        grace_seconds = self._timeout_seconds if grace_seconds is None else grace_seconds
        if self.connected:
            await self._pending.wait(grace_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._stopped = True
        self._pending.fail_all(_STOPPED)
        try:
            await asyncio.wait_for(self._producer.stop(), _CLOSE_SECONDS)
        except CONNECTION_ERRORS as error:
            log.info("The connection to %s was dropped: %r", self._bootstrap_servers, error)

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
        Shield the future where the wait for it can be cancelled: others share it.
        """
        if timestamp_ms is None:
            timestamp_ms = time.time_ns() // 1_000_000
        lane = self._lanes.get((topic, partition)) or self._new_lane(topic, partition)
        listed: Listed = list(headers) if headers else _NO_HEADERS
        return self._append(lane, timestamp_ms, key, value, listed).acknowledged

    def append_run(
        self, topic: str, partition: int, records: Sequence[HeadedRecord], header: str
    ) -> "list[asyncio.Future[None]]":
        """Take records of one partition, each with one ``header``; the futures of their batches."""
        lane = self._lanes.get((topic, partition)) or self._new_lane(topic, partition)
        batch = lane.open
        futures: list[asyncio.Future[None]] = []
        while records:
            batch = batch or self._open_batch(lane)
            before = batch.bytes
            taken = batch.append_run(records, header)
            self._pending.bytes += batch.bytes - before
            if taken:
                futures.append(batch.acknowledged)
            elif not batch.count:
                raise AssertionError("an empty batch takes any record")
            records = records[taken:]
            batch = None
        return futures

    def append_all(
        self, topic: str, records: Iterable[Record], timestamp_ms: int
    ) -> "asyncio.Future[None]":
        """Take records of one time; the future, the caller's own, resolves once all are there.

        It fails with BrokerUnavailableError as soon as one of them has failed.
        """
        receipt = Receipt(self._loop)
        lanes = self._lanes
        for partition, key, value in records:
            lane = lanes.get((topic, partition)) or self._new_lane(topic, partition)
            receipts = self._append(lane, timestamp_ms, key, value, _NO_HEADERS).receipts
            if not receipts or receipts[-1] is not receipt:
                receipts.append(receipt)
                receipt.expect()
        return receipt.future

    async def wait_room(self) -> None:
        """Return once the bytes that are not acknowledged yet are under the limit."""
        await self._pending.wait_room()

    async def flush(self) -> None:
        """Wait for the acknowledgement of everything appended so far.

        Raises:
            BrokerUnavailableError: a record appended since the last flush failed.
        """
        await self._pending.wait()
        failure = self._pending.take_failure()
        if failure is not None:
            raise failure

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has. A missing topic is not created by asking.

        Raises:
            BrokerUnavailableError: the brokers cannot be asked, or do not know the topic.
        """
        known = self._producer.known_partitions(topic)
        if known:
            return known
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._connection.wait()
                return await self._producer.partition_count(topic)
        except CONNECTION_ERRORS as error:
            raise BrokerUnavailableError(f"cannot look up topic {topic}: {error!r}") from None

    async def is_reachable(self, topic: str) -> bool:
        """Whether the brokers answer right now and have ``topic``."""
        if not self.connected:
            return False
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._producer.is_reachable(topic)
        except CONNECTION_ERRORS:
            return False

    async def _connect(self) -> None:
        attempts = 0
        while True:
            try:
                await self._producer.start()
            except CONNECTION_ERRORS as error:
                attempts += 1
                level = logging.WARNING if attempts == 1 else logging.DEBUG
                log.log(level, "Cannot reach Kafka at %s: %s", self._bootstrap_servers, error)
                await self._producer.stop()
                await asyncio.sleep(_RECONNECT_SECONDS)
                self._producer = self._new_producer()
            else:
                self._connection.set()
                return

    async def _ship(self) -> None:
        await self._connection.wait()
        await self._shipping.run(self._producer)

    def _new_lane(self, topic: str, partition: int) -> Lane:
        lane = self._lanes[topic, partition] = Lane(topic, partition)
        return lane

    def _append(
        self, lane: Lane, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Listed
    ) -> Batch:
        batch = lane.open or self._open_batch(lane)
        taken = batch.append(batch.count, timestamp_ms, key, value, headers)
        if taken is None:
            batch, taken = self._append_anew(lane, timestamp_ms, key, value, headers)
        batch.count += 1
        size = taken.size
        batch.bytes += size
        self._pending.bytes += size
        return batch

    def _append_anew(
        self, lane: Lane, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Listed
    ) -> tuple[Batch, Appended]:
        """Append to the batch that follows a full one."""
        batch = self._open_batch(lane)
        taken = batch.append(0, timestamp_ms, key, value, headers)
        if taken is None:
            raise AssertionError("an empty batch takes any record")
        return batch, taken

    def _open_batch(self, lane: Lane) -> Batch:
        deadline = self._loop.time() + self._timeout_seconds
        batch = Batch(self._producer.create_batch(), self._loop, deadline)
        if self._stopped:
            # In no lane, so that it takes the records of this call only.
            self._loop.call_soon(batch.settle, BrokerUnavailableError(_STOPPED))
            return batch
        lane.add(batch)
        self._pending.add(batch, lane)
        self._shipping.wake()
        return batch
