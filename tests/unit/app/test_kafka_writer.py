"""The Kafka writer over a producer that the test controls."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)

from app.kafka_producer import Appended
from app.kafka_writer import KafkaWriter
from models.errors import BrokerUnavailableError

DEADLINE_SECONDS = 10.0
TIMEOUT_SECONDS = 0.2
Record = tuple[int | None, bytes | None, bytes | None, list[tuple[str, bytes | None]]]


@dataclass
class Taken:
    """A record in a batch."""

    size: int


class FakeBatch:
    """Holds a number of records."""

    def __init__(self, room: int, built: bytes) -> None:
        self.records: list[Record] = []
        self._room = room
        self._built = built

    def append(
        self,
        offset: int,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]],
    ) -> Appended | None:
        if len(self.records) >= self._room:
            return None
        assert offset == len(self.records)
        self.records.append((timestamp, key, value, headers))
        return Taken(len(key or b"") + len(value or b""))

    def build(self) -> bytes:
        self._room = 0
        return self._built

    def values(self) -> list[bytes | None]:
        return [value for _, _, value, _ in self.records]


class FakeBroker:
    """Acknowledges requests when the test says so; ``reachable`` decides about connections.

    Every partition of ``t`` has the leader 1, or those of ``leaders`` have others.
    """

    def __init__(self, room: int = 3) -> None:
        self.reachable = True
        self.failure: Exception | None = None
        self.left_out: tuple[str, int] | None = None
        self.refusals: dict[tuple[str, int], KafkaError | None] = {}
        self.automatic = True
        self.attempts = 0
        self.stopped = 0
        self.leaders: dict[int, int | None] = {}
        self.lookups = 0
        self.requests: list[int] = []
        self.sent: list[tuple[str, int, list[bytes | None]]] = []
        self.records: list[Record] = []
        self.unanswered: list[asyncio.Future[None]] = []
        self._batches: dict[bytes, FakeBatch] = {}
        self._room = room

    async def start(self) -> None:
        self.attempts += 1
        if not self.reachable:
            raise KafkaConnectionError("nobody there")

    async def stop(self) -> None:
        self.stopped += 1

    def create_batch(self) -> FakeBatch:
        name = b"%d" % len(self._batches)
        batch = self._batches[name] = FakeBatch(self._room, name)
        return batch

    def leader_of(self, topic: str, partition: int) -> int | None:
        return self.leaders.get(partition, 1) if topic == "t" else None

    async def look_up(self, topic: str, partition: int) -> None:
        self.lookups += 1
        await self.partition_count(topic)

    async def send(
        self, broker: int, batches: Sequence[tuple[str, int, bytes | bytearray]]
    ) -> dict[tuple[str, int], KafkaError | None]:
        self.requests.append(broker)
        if self.failure is not None:
            raise self.failure
        for topic, partition, built in batches:
            batch = self._batches[bytes(built)]
            self.sent.append((topic, partition, batch.values()))
            self.records += batch.records
        if not self.automatic:
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.unanswered.append(answer)
            await answer
        places = [(topic, n) for topic, n, _ in batches if (topic, n) != self.left_out]
        return {place: self.refusals.pop(place, None) for place in places}

    def known_partitions(self, topic: str) -> int:
        return 0

    async def partition_count(self, topic: str) -> int:
        if self.failure is not None:
            raise self.failure
        if topic != "t":
            raise UnknownTopicOrPartitionError(f"there is no topic {topic}")
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


async def test_run_of_records_has_a_header_each_and_the_futures_of_its_batches() -> None:
    broker = FakeBroker(room=3)
    async with writing_to(broker) as writer:
        before = writer.append("t", 0, b"k", b"before", timestamp_ms=1)
        run = [(b"k", b"%d" % n, 10 + n, b"0:%d" % n) for n in range(4)]
        futures = writer.append_run("t", 0, run, "source")
        assert futures[0] is before
        assert len(futures) == 2
        await asyncio.gather(*futures)
        assert broker.sent == [("t", 0, [b"before", b"0", b"1"]), ("t", 0, [b"2", b"3"])]
        assert broker.records[1:] == [
            (10 + n, b"k", b"%d" % n, [("source", b"0:%d" % n)]) for n in range(4)
        ]


async def test_run_after_a_full_batch_begins_another_and_one_of_nothing_begins_none() -> None:
    broker = FakeBroker(room=2)
    async with writing_to(broker) as writer:
        assert writer.append_run("t", 0, [], "source") == []
        full = [writer.append("t", 0, None, b"%d" % n) for n in range(2)]
        futures = writer.append_run("t", 0, [(b"k", b"next", 1, b"0:2")], "source")
        assert futures[0] not in full
        await writer.flush()
    assert broker.sent == [("t", 0, [b"0", b"1"]), ("t", 0, [b"next"])]


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
        later = writer.append("t", 2, None, b"d")
        await until(lambda: len(broker.sent) == 4)
        assert [answer.done() for answer in broker.unanswered] == [True, False, False]
        assert not later.done()
        for answer in broker.unanswered[1:]:
            answer.set_result(None)
        await writer.flush()


async def test_batches_of_one_departure_make_one_request_per_broker() -> None:
    broker = FakeBroker()
    broker.leaders = {0: 1, 1: 1, 2: 7, 3: 1}
    async with writing_to(broker) as writer:
        for partition in (0, 2, 1, 0, 3):
            writer.append("t", partition, None, b"%d" % partition)
        await writer.flush()
    assert broker.requests == [1, 7]
    assert broker.sent == [
        *(("t", 0, [b"0", b"0"]), ("t", 1, [b"1"]), ("t", 3, [b"3"]), ("t", 2, [b"2"])),
    ]


async def test_request_waits_for_company_unless_a_batch_is_full() -> None:
    broker = FakeBroker(room=2)
    async with writing_to(broker, linger_seconds=0.3, timeout_seconds=DEADLINE_SECONDS) as writer:
        started = asyncio.get_running_loop().time()
        for n in range(6):
            writer.append("t", 0, None, b"%d" % n)
            await asyncio.sleep(0)
        await writer.flush()
        # The full ones follow one another; only the first and the last departure were waited for.
        assert asyncio.get_running_loop().time() - started < 0.9
    assert [values for _, _, values in broker.sent] == [[b"0", b"1"], [b"2", b"3"], [b"4", b"5"]]


async def test_records_of_one_call_have_a_future_of_their_own_for_all_of_them() -> None:
    broker = FakeBroker(room=2)
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        shared = writer.append("t", 0, None, b"a")
        mine = writer.append_all("t", [(0, b"k", b"b"), (0, None, b"c"), (1, None, b"d")], 7)
        await until(lambda: len(broker.unanswered) == 1)
        assert [values for _, _, values in broker.sent] == [[b"a", b"b"], [b"d"]]
        broker.unanswered[0].set_result(None)
        await until(lambda: len(broker.unanswered) == 2)
        assert shared.done()
        assert not mine.done()
        broker.unanswered[1].set_result(None)
        await mine
    assert broker.records[1:] == [(7, b"k", b"b", []), (7, None, b"d", []), (7, None, b"c", [])]


async def test_records_of_one_call_fail_with_the_first_of_them_and_may_be_given_up() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        failing = writer.append_all("t", [(0, None, b"a"), (1, None, b"b")], 7)
        given_up = writer.append_all("t", [(1, None, b"c")], 7)
        given_up.cancel()
        await until(lambda: bool(broker.unanswered))
        broker.refusals["t", 0] = MessageSizeTooLargeError()
        broker.unanswered[0].set_result(None)
        with pytest.raises(BrokerUnavailableError, match=r"t-0 .*MessageSizeTooLarge"):
            await failing
        await writer.stop()
        with pytest.raises(BrokerUnavailableError, match="stopped"):
            await writer.append_all("t", [(0, None, b"a")], 7)


async def test_only_the_refused_partition_of_a_request_is_sent_again() -> None:
    broker = FakeBroker()
    broker.refusals["t", 1] = NotLeaderForPartitionError()
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        refused = writer.append("t", 1, None, b"b")
        await writer.append("t", 0, None, b"a")
        writer.append("t", 1, None, b"c")
        assert not refused.done()
        broker.leaders[1] = 5
        await refused
        await writer.flush()
    assert broker.requests == [1, 5, 5]
    assert [sent for sent in broker.sent if sent[1] == 1] == [
        *(("t", 1, [b"b"]), ("t", 1, [b"b"]), ("t", 1, [b"c"])),
    ]


async def test_partition_that_the_answer_leaves_out_is_not_taken_for_written() -> None:
    broker = FakeBroker()
    broker.left_out = ("t", 0)
    async with writing_to(broker) as writer:
        with pytest.raises(BrokerUnavailableError, match=r"t-0 .*says nothing"):
            await writer.append("t", 0, None, b"a")


async def test_partition_without_a_leader_waits_for_one() -> None:
    broker = FakeBroker()
    broker.leaders[0] = None
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        waiting = writer.append("t", 0, None, b"a")
        await writer.append("t", 1, None, b"b")
        await until(lambda: broker.lookups > 1)
        assert not waiting.done()
        broker.leaders[0] = 3
        await waiting
    assert broker.requests == [1, 3]


async def test_missing_topic_fails_at_once() -> None:
    broker = FakeBroker()
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        with pytest.raises(BrokerUnavailableError, match=r"missing-0 .*there is no topic missing"):
            await writer.append("missing", 0, None, b"a")


async def test_what_waits_behind_a_batch_that_nobody_leads_goes_out_after_it() -> None:
    class Forgetful(FakeBroker):
        """Says once that a topic is missing, when the test lets it."""

        answer = asyncio.Event()

        async def look_up(self, topic: str, partition: int) -> None:
            self.lookups += 1
            await self.answer.wait()
            self.leaders.clear()
            raise UnknownTopicOrPartitionError("not yet")

    broker = Forgetful()
    broker.leaders[0] = None
    async with writing_to(broker, timeout_seconds=DEADLINE_SECONDS) as writer:
        first = writer.append("t", 0, None, b"a")
        await until(lambda: broker.lookups == 1)
        second = writer.append("t", 0, None, b"b")
        assert second is not first, "the first is under way"
        for _ in range(10):
            await asyncio.sleep(0)
        broker.answer.set()
        with pytest.raises(BrokerUnavailableError, match="not yet"):
            await first
        async with asyncio.timeout(1.0):
            await second
    assert broker.sent == [("t", 0, [b"b"])]


async def test_each_record_has_its_own_deadline() -> None:
    broker = FakeBroker()
    broker.automatic = False
    async with writing_to(broker) as writer:
        early = writer.append("t", 0, None, b"a")
        await asyncio.sleep(TIMEOUT_SECONDS / 2)
        late = writer.append("t", 1, None, b"b")
        await until(early.done)
        assert not late.done()
        broker.unanswered[-1].set_result(None)
        await late


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


async def test_batch_that_was_sent_in_vain_leaves_nothing_for_the_collector() -> None:
    class Lost(FakeBroker):
        """Every request fails, each with an error of its own."""

        async def send(
            self, broker: int, batches: Sequence[tuple[str, int, bytes | bytearray]]
        ) -> dict[tuple[str, int], KafkaError | None]:
            self.requests.append(broker)
            raise KafkaConnectionError("lost")

    async def lose(writer: KafkaWriter) -> None:
        with pytest.raises(BrokerUnavailableError, match="lost"):
            await writer.append_all("t", [(0, None, b"a"), (1, None, b"b")], 7)

    async with writing_to(Lost()) as writer:
        await lose(writer)
        gc.collect()
        gc.disable()
        try:
            await lose(writer)
            assert gc.collect() == 0
        finally:
            gc.enable()


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
