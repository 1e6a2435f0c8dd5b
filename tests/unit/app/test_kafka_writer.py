"""The Kafka writer over a producer that the test controls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)

from app.kafka_producer import RecordBatch
from app.kafka_writer import KafkaWriter
from models.errors import BrokerUnavailableError

DEADLINE_SECONDS = 10.0
TIMEOUT_SECONDS = 0.2
Record = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]


class FakeBatch:
    """Holds a number of records."""

    def __init__(self, room: int) -> None:
        self.records: list[Record] = []
        self._room = room

    def append(
        self,
        *,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> object | None:
        if len(self.records) >= self._room:
            return None
        self.records.append((timestamp, key, value, headers))
        return self

    def close(self) -> None:
        self._room = 0

    def values(self) -> list[bytes | None]:
        return [value for _, _, value, _ in self.records]


class FakeBroker:
    """Acknowledges batches when the test says so; ``reachable`` decides about connections."""

    def __init__(self, room: int = 3) -> None:
        self.reachable = True
        self.failure: Exception | None = None
        self.automatic = True
        self.attempts = 0
        self.stopped = 0
        self.sent: list[tuple[str, int, list[bytes | None]]] = []
        self.records: list[Record] = []
        self.unanswered: list[asyncio.Future[None]] = []
        self._room = room

    async def start(self) -> None:
        self.attempts += 1
        if not self.reachable:
            raise KafkaConnectionError("nobody there")

    async def stop(self) -> None:
        self.stopped += 1

    def create_batch(self) -> FakeBatch:
        return FakeBatch(self._room)

    async def send_batch(
        self, batch: RecordBatch, topic: str, *, partition: int
    ) -> Awaitable[object]:
        assert isinstance(batch, FakeBatch)
        if self.failure is not None:
            raise self.failure
        self.sent.append((topic, partition, batch.values()))
        self.records += batch.records
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.automatic:
            answer.set_result(None)
        else:
            self.unanswered.append(answer)
        return answer

    async def partition_count(self, topic: str) -> int:
        if topic != "t":
            raise UnknownTopicOrPartitionError(topic)
        return 4

    async def is_reachable(self, topic: str) -> bool:
        if self.failure is not None:
            raise self.failure
        return topic == "t"


@asynccontextmanager
async def writing_to(broker: FakeBroker, **changes: Any) -> AsyncIterator[KafkaWriter]:
    options: dict[str, Any] = {"linger_seconds": 0.0, "timeout_seconds": TIMEOUT_SECONDS}
    writer = KafkaWriter(
        "broker:9092", client_id="test", new_producer=lambda: broker, **(options | changes)
    )
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop(grace_seconds=0.0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - any condition of the test, polled every round
            await asyncio.sleep(0)


async def test_records_of_a_partition_travel_together_and_share_one_future() -> None:
    broker = FakeBroker()
    async with writing_to(broker) as writer:
        first = writer.append("t", 1, b"k", b"a", timestamp_ms=7, headers=(("h", b"x"),))
        assert writer.append("t", 1, None, None, timestamp_ms=8) is first
        other = writer.append("t", 2, b"k", b"b")
        await asyncio.gather(first, other)
    assert sorted(broker.sent) == [("t", 1, [b"a", None]), ("t", 2, [b"b"])]
    assert broker.records[:2] == [(7, b"k", b"a", [("h", b"x")]), (8, None, None, [])]


async def test_full_batch_is_followed_by_another_in_order() -> None:
    broker = FakeBroker(room=3)
    async with writing_to(broker) as writer:
        futures = [writer.append("t", 0, None, b"%d" % n) for n in range(8)]
        await writer.flush()
        assert all(future.done() for future in futures)
    assert [value for _, _, values in broker.sent for value in values] == [
        b"%d" % n for n in range(8)
    ]
    assert len(broker.sent) == 3


async def test_next_batch_of_a_partition_waits_for_the_one_before_but_other_partitions_do_not() -> (
    None
):
    broker = FakeBroker(room=1)
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        first = writer.append("t", 0, None, b"a")
        writer.append("t", 0, None, b"b")
        writer.append("t", 1, None, b"c")
        await until(lambda: len(broker.sent) == 2)
        assert sorted(broker.sent) == [("t", 0, [b"a"]), ("t", 1, [b"c"])]
        assert not first.done()
        for answer in list(broker.unanswered):
            answer.set_result(None)
        await until(lambda: len(broker.sent) == 3)
        assert first.done()
        broker.unanswered[-1].set_result(None)
        await writer.flush()


async def test_silent_broker_fails_a_record_after_the_time_out() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker) as writer:
        lost = writer.append("t", 0, None, b"a")
        with pytest.raises(BrokerUnavailableError, match=r"t-0 .* no answer within 0\.2 s"):
            await lost
        broker.automatic = True
        await writer.append("t", 0, None, b"b")


@pytest.mark.parametrize("failure", [KafkaConnectionError("gone"), AssertionError("a bug")])
async def test_failed_send_fails_its_records_and_the_next_ones_go_on(failure: Exception) -> None:
    broker = FakeBroker()
    broker.failure = failure
    async with writing_to(broker) as writer:
        with pytest.raises(BrokerUnavailableError, match=str(failure.args[0])):
            await writer.append("t", 0, None, b"a")
        broker.failure = None
        await writer.append("t", 0, None, b"b")


async def test_absent_broker_does_not_hold_up_the_start_and_is_found_when_it_comes() -> None:
    broker = FakeBroker()
    broker.reachable = False
    async with asyncio.timeout(DEADLINE_SECONDS), writing_to(broker) as writer:
        assert not writer.connected
        assert not await writer.is_reachable("t")
        with pytest.raises(BrokerUnavailableError):
            await writer.partition_count("t")
        with pytest.raises(BrokerUnavailableError):
            await writer.append("t", 0, None, b"a")
        assert broker.sent == []
        broker.reachable = True
        await until(lambda: writer.connected)
        await writer.append("t", 0, None, b"b")
        assert broker.sent == [("t", 0, [b"b"])]
        assert broker.attempts >= 2


async def test_flush_reports_what_failed_since_the_last_one() -> None:
    broker = FakeBroker()
    broker.failure = KafkaConnectionError("gone")
    async with writing_to(broker) as writer:
        failed = writer.append("t", 0, None, b"a")
        await until(failed.done)
        with pytest.raises(BrokerUnavailableError, match="gone"):
            await writer.flush()
        broker.failure = None
        writer.append("t", 0, None, b"b")
        await writer.flush()


async def test_batch_whose_request_got_no_answer_is_sent_again_before_the_next_one() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        first = writer.append("t", 0, None, b"a")
        await until(lambda: len(broker.unanswered) == 1)
        second = writer.append("t", 0, None, b"b")
        broker.unanswered[0].set_exception(RequestTimedOutError())
        await until(lambda: len(broker.unanswered) == 2)
        assert not first.done()
        broker.automatic = True
        broker.unanswered[1].set_result(None)
        await first
        await second
    assert broker.sent == [("t", 0, [b"a"]), ("t", 0, [b"a"]), ("t", 0, [b"b"])]


async def test_batch_that_the_broker_refuses_is_not_sent_again() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        refused = writer.append("t", 0, None, b"a")
        await until(lambda: bool(broker.unanswered))
        broker.unanswered[0].set_exception(MessageSizeTooLargeError())
        with pytest.raises(BrokerUnavailableError, match="MessageSizeTooLarge"):
            await refused
    assert len(broker.sent) == 1


async def test_given_up_flush_leaves_the_shared_futures_alone() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        pending = writer.append("t", 0, None, b"a")
        await until(lambda: bool(broker.unanswered))
        flushing = asyncio.create_task(writer.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing
        assert not pending.done()
        broker.unanswered[0].set_result(None)
        await pending


async def test_room_is_given_back_by_acknowledgements() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(
        broker, timeout_seconds=DEADLINE_SECONDS, max_pending_bytes=1000
    ) as writer:
        await writer.wait_room()
        writer.append("t", 0, None, b"x" * 1000)
        waiting = asyncio.create_task(writer.wait_room())
        await until(lambda: bool(broker.unanswered))
        assert not waiting.done()
        broker.unanswered[0].set_result(None)
        await asyncio.wait_for(waiting, DEADLINE_SECONDS)


async def test_stop_ships_what_is_left() -> None:
    broker = FakeBroker()
    writer = KafkaWriter(
        "broker:9092",
        client_id="test",
        linger_seconds=0.05,
        timeout_seconds=DEADLINE_SECONDS,
        new_producer=lambda: broker,
    )
    await writer.start()
    last = writer.append("t", 0, None, b"a")
    await writer.stop()
    assert last.exception() is None
    assert broker.sent == [("t", 0, [b"a"])]
    assert broker.stopped == 1


async def test_stop_fails_what_the_broker_does_not_take_in_time() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        pending = writer.append("t", 0, None, b"a")
        await writer.stop(grace_seconds=0.01)
        with pytest.raises(BrokerUnavailableError, match="stopped"):
            await pending


async def test_topics_are_looked_up() -> None:
    broker = FakeBroker()
    async with writing_to(broker) as writer:
        assert await writer.partition_count("t") == 4
        assert await writer.is_reachable("t")
        assert not await writer.is_reachable("missing")
        with pytest.raises(BrokerUnavailableError, match="missing"):
            await writer.partition_count("missing")
        broker.failure = KafkaConnectionError("gone")
        assert not await writer.is_reachable("t")
