"""Records on their way to Kafka: batches per partition, and who waits for them."""

import asyncio
from collections import deque
from collections.abc import Sequence

from app.kafka_producer import RecordBatch
from models.errors import BrokerUnavailableError

HeadedRecord = tuple[bytes, bytes, int, bytes]
"""Key, value, time in milliseconds, and the value of a header."""


class Receipt:
    """The acknowledgement of records that went into several batches, as one future."""

    __slots__ = ("_left", "future")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[None] = loop.create_future()
        self._left = 0

    def expect(self) -> None:
        """One more batch has to be acknowledged."""
        self._left += 1

    def settle(self, error: BrokerUnavailableError | None) -> None:
        """A batch is acknowledged, or has failed."""
        self._left -= 1
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        elif not self._left:
            self.future.set_result(None)


class Batch:
    """Records of one partition that travel together, and the future that all of them share."""

    __slots__ = (
        *("_build", "_built", "acknowledged", "append", "bytes", "count", "deadline", "receipts"),
        "trouble",
    )

    def __init__(
        self, records: RecordBatch, loop: asyncio.AbstractEventLoop, deadline: float
    ) -> None:
        self.append = records.append
        self.count = 0
        self.bytes = 0
        self.deadline = deadline
        self.trouble: str | None = None
        """Why it was not taken yet, although it was sent: not the error itself, whose traceback
        holds on to the batch."""
        self.receipts: list[Receipt] = []
        self.acknowledged: asyncio.Future[None] = loop.create_future()
        # Who does not look at the future of a record must not cause a warning about it.
        self.acknowledged.add_done_callback(_look_at)
        self._build = records.build
        self._built: bytes | bytearray | None = None

    def append_run(self, records: Sequence[HeadedRecord], header: str) -> int:
        """Take records, each with one ``header``, as far as they fit; how many it took."""
        append, count, size = self.append, self.count, 0
        for key, value, timestamp_ms, header_value in records:
            appended = append(count, timestamp_ms, key, value, [(header, header_value)])
            if appended is None:
                break
            count += 1
            size += appended.size
        taken = count - self.count
        self.count = count
        self.bytes += size
        return taken

    def built(self) -> bytes | bytearray:
        """The batch as it is sent; it takes no record any more."""
        if self._built is None:
            self._built = self._build()
        return self._built

    def settle(self, error: BrokerUnavailableError | None) -> None:
        """It is acknowledged, or has failed: tell everybody who waits for it."""
        if not self.acknowledged.done():
            if error is None:
                self.acknowledged.set_result(None)
            else:
                self.acknowledged.set_exception(error)
        for receipt in self.receipts:
            receipt.settle(error)


class Lane:
    """The batches of one partition, which go out one after the other."""

    __slots__ = ("_waiting", "open", "partition", "topic", "under_way")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.open: Batch | None = None
        """The last one, as long as it takes records."""
        self.under_way: Batch | None = None
        self._waiting: deque[Batch] = deque()

    @property
    def is_ready(self) -> bool:
        """Whether a batch can go out now."""
        return self.under_way is None and bool(self._waiting)

    @property
    def is_behind(self) -> bool:
        """Whether more than one batch waits: the first of them is full."""
        return len(self._waiting) > 1

    def add(self, batch: Batch) -> None:
        """Records go into ``batch`` from now on."""
        self._waiting.append(batch)
        self.open = batch

    def take(self) -> Batch:
        """Let the first batch go out."""
        batch = self.under_way = self._waiting.popleft()
        if batch is self.open:
            self.open = None
        return batch

    def put_back(self) -> None:
        """The batch that went out has to go again, before all others."""
        if self.under_way is not None:
            self._waiting.appendleft(self.under_way)
            self.under_way = None

    def drop(self, batch: Batch) -> None:
        """Forget a batch: it is acknowledged, or has failed."""
        if batch is self.under_way:
            self.under_way = None
        elif batch in self._waiting:
            self._waiting.remove(batch)
        if batch is self.open:
            self.open = None


def _look_at(done: "asyncio.Future[None]") -> None:
    if not done.cancelled():
        done.exception()
