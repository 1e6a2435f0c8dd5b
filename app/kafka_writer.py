"""Writes records in batches per partition, many times faster than one send per record."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from aiokafka.errors import KafkaError

from app.kafka_producer import CONNECTION_ERRORS, KafkaProducer, Producer, RecordBatch
from models.errors import BrokerUnavailableError

MAX_BATCH_BYTES = 256 << 10
MAX_PENDING_BYTES = 32 << 20

_RECORD_OVERHEAD_BYTES = 64
_RECONNECT_SECONDS = 0.5
# A broker that has stalled answers nothing. Within this time another one leads in its place, and
# no replica waits for it any more.
_REQUEST_SECONDS = 20.0
_RESEND_SECONDS = 0.1
_CLOSE_SECONDS = 0.5
_NO_HEADERS: list[tuple[str, bytes]] = []

log = logging.getLogger(__name__)

_Place = tuple[str, int]


class _Batch:
    """Records of one partition on their way, and the future that all of them share."""

    __slots__ = ("acknowledged", "bytes", "deadline", "records")

    def __init__(self, records: RecordBatch, timeout_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self.records = records
        self.bytes = 0
        self.deadline = loop.time() + timeout_seconds
        self.acknowledged: asyncio.Future[None] = loop.create_future()
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
        self._linger_seconds = linger_seconds
        self._timeout_seconds = timeout_seconds
        self._max_pending_bytes = max_pending_bytes
        self._queues: dict[_Place, deque[_Batch]] = {}
        self._shipping: dict[_Place, asyncio.Task[None]] = {}
        self._unacknowledged: set[_Batch] = set()
        self._failure: BrokerUnavailableError | None = None
        self._stopped = False
        self._pending_bytes = 0
        self._room = asyncio.Event()
        self._work = asyncio.Event()
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
        self._tasks = [connecting, asyncio.create_task(self._dispatch())]
        await asyncio.wait({connecting}, timeout=self._timeout_seconds)

    async def stop(self, grace_seconds: float | None = None) -> None:
        """Ship what is left, for ``grace_seconds`` or else the time-out, and disconnect.

        What is not acknowledged by then, or appended later, fails with BrokerUnavailableError.
        """
        grace_seconds = self._timeout_seconds if grace_seconds is None else grace_seconds
        if self.connected:
            await _wait(self._unacknowledged, grace_seconds)
        tasks = [*self._tasks, *self._shipping.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._stopped = True
        for batch in list(self._unacknowledged):
            self._resolve(batch, BrokerUnavailableError("the writer was stopped"))
        try:
            # The client would wait for its own unsent batches, whose records have failed already.
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
        queue = self._queues.get((topic, partition))
        if queue is None:
            queue = self._queues[topic, partition] = deque()
        batch = queue[-1] if queue else self._open_batch(queue)
        listed = list(headers) if headers else _NO_HEADERS
        taken = batch.records.append(timestamp=timestamp_ms, key=key, value=value, headers=listed)
        if taken is None:
            batch = self._open_batch(queue)
            batch.records.append(timestamp=timestamp_ms, key=key, value=value, headers=listed)
        size = len(key or b"") + len(value or b"") + _RECORD_OVERHEAD_BYTES
        batch.bytes += size
        self._pending_bytes += size
        return batch.acknowledged

    async def wait_room(self) -> None:
        """Return once the bytes that are not acknowledged yet are under the limit."""
        while self._pending_bytes >= self._max_pending_bytes:
            self._room.clear()
            await self._room.wait()

    async def flush(self) -> None:
        """Wait for the acknowledgement of everything appended so far.

        Raises:
            BrokerUnavailableError: a record appended since the last flush failed.
        """
        await _wait(self._unacknowledged, None)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has. A missing topic is not created by asking.

        Raises:
            BrokerUnavailableError: the brokers cannot be asked, or do not know the topic.
        """
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

    def _open_batch(self, queue: deque[_Batch]) -> _Batch:
        batch = _Batch(self._producer.create_batch(), self._timeout_seconds)
        if self._stopped:
            batch.acknowledged.set_exception(BrokerUnavailableError("the writer was stopped"))
            return batch
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
                    self._shipping[place] = asyncio.create_task(self._ship(place, queue))

    async def _ship(self, place: _Place, queue: deque[_Batch]) -> None:
        try:
            while queue:
                await self._ship_one(place, queue.popleft())
        finally:
            del self._shipping[place]

    async def _ship_one(self, place: _Place, batch: _Batch) -> None:
        topic, partition = place
        batch.records.close()
        error: Exception | None = None
        try:
            async with asyncio.timeout_at(batch.deadline):
                await self._connection.wait()
                await self._send(place, batch)
        except CONNECTION_ERRORS as unavailable:
            error = unavailable
        except Exception as unexpected:
            # A record whose future never resolves would be worse than any error.
            log.exception("Writing to %s-%s failed", topic, partition)
            error = unexpected
        if error is None:
            self._resolve(batch, None)
        else:
            why = f"{topic}-{partition} was not acknowledged by {self._bootstrap_servers}: "
            self._resolve(batch, BrokerUnavailableError(why + self._describe(error)))

    async def _send(self, place: _Place, batch: _Batch) -> None:
        """Send a batch, and again where its request failed in a way that may pass."""
        topic, partition = place
        while True:
            answer = await self._producer.send_batch(batch.records, topic, partition=partition)
            try:
                await answer
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.info("A request for %s-%s is sent again: %r", topic, partition, error)
            else:
                return
            await asyncio.sleep(_RESEND_SECONDS)

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timeout_seconds:g} s"
        return repr(error)

    def _resolve(self, batch: _Batch, error: BrokerUnavailableError | None) -> None:
        self._unacknowledged.discard(batch)
        self._pending_bytes -= batch.bytes
        if self._pending_bytes < self._max_pending_bytes:
            self._room.set()
        if error is not None:
            self._failure = error
        if not batch.acknowledged.done():
            if error is None:
                batch.acknowledged.set_result(None)
            else:
                batch.acknowledged.set_exception(error)


async def _wait(batches: Iterable[_Batch], timeout_seconds: float | None) -> None:
    """Wait for the end of these batches, without failing or cancelling what others wait for."""
    futures = [batch.acknowledged for batch in batches]
    if futures:
        await asyncio.wait(futures, timeout=timeout_seconds)
