"""The reader of a topic, over a broker that a test controls."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.topic_reader import STALE_SECONDS, Record, TopicReader
from tests.support.fake_topic import TOPIC, FakeBroker, empty_logs
from tests.support.waiting import until

SECONDS = 10.0


@dataclass
class FakeFeed:
    """Remembers what it was given since it was last cleared."""

    values: list[bytes] = field(default_factory=list)
    clears: int = 0
    broken: bool = False

    def apply(self, records: Sequence[Record]) -> None:
        if self.broken:
            self.broken = False
            raise RuntimeError("a bug")
        self.values += [record.value or b"" for record in records]

    def clear(self) -> None:
        self.values.clear()
        self.clears += 1


class Reading:
    """A reader at work, on its broker."""

    def __init__(self, broker: FakeBroker, last_records: int | None) -> None:
        self.broker = broker
        self.feed = FakeFeed()
        self.reader = TopicReader(
            "kafka:9092",
            len(broker.logs or (0,)),
            TOPIC,
            self.feed,
            last_records=last_records,
            wall_seconds=lambda: broker.now_seconds,
            new_consumer=broker.connect,
            retry_seconds=0.01,
        )

    async def until_read(self, *values: bytes) -> None:
        async def is_read() -> bool:
            return sorted(self.feed.values) == sorted(values) and self.reader.caught_up

        await until(is_read, f"{values} are read", SECONDS)

    async def until_failed(self, times: int = 1) -> None:
        async def has_failed() -> bool:
            return self.reader.failures >= times

        await until(has_failed, f"it failed {times} times", SECONDS)

    async def until_current(self) -> None:
        async def is_current() -> bool:
            return self.reader.is_current()

        await until(is_current, "it is current", SECONDS)


@asynccontextmanager
async def reading(broker: FakeBroker, last_records: int | None = None) -> AsyncIterator[Reading]:
    subject = Reading(broker, last_records)
    task = asyncio.ensure_future(subject.reader.run())
    try:
        yield subject
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_whole_topic_is_read_and_then_what_is_added() -> None:
    broker = FakeBroker()
    broker.append(0, b"a", b"b")
    broker.append(1, b"c")
    async with reading(broker) as subject:
        assert not subject.reader.is_current()
        await subject.until_read(b"a", b"b", b"c")
        assert subject.reader.is_current()
        broker.append(1, b"d")
        await subject.until_read(b"a", b"b", b"c", b"d")
        assert (subject.reader.failures, broker.connections) == (0, 1)


async def test_end_that_the_broker_answers_too_low_is_not_believed() -> None:
    broker = FakeBroker(end_behind=1500)
    broker.append(0, *[b"x"] * 2000)
    async with reading(broker) as subject:
        await subject.until_read(*[b"x"] * 2000)


async def test_marker_of_a_transaction_at_the_end_does_not_keep_it_from_being_current() -> None:
    broker = FakeBroker()
    broker.append(0, b"a")
    assert broker.logs is not None
    broker.logs[0].append(None)
    async with reading(broker) as subject:
        await subject.until_read(b"a")
        await subject.until_current()
        broker.append(0, b"b")
        broker.logs[0].append(None)
        await subject.until_read(b"a", b"b")
        assert subject.reader.failures == 0


async def test_only_the_last_records_of_each_partition_are_read_where_that_is_asked() -> None:
    broker = FakeBroker()
    broker.append(0, b"a", b"b", b"c")
    broker.append(1, b"d")
    async with reading(broker, last_records=2) as subject:
        await subject.until_read(b"b", b"c", b"d")


async def test_silence_of_the_broker_makes_it_out_of_date_and_an_answer_current_again() -> None:
    broker = FakeBroker()
    async with reading(broker) as subject:
        await subject.until_current()
        broker.silent = True
        broker.now_seconds += STALE_SECONDS + 1
        assert not subject.reader.is_current()
        assert subject.reader.caught_up
        broker.silent = False
        await subject.until_current()
        assert broker.connections == 1


async def test_after_a_long_silence_a_new_connection_goes_on_where_the_old_one_was() -> None:
    broker = FakeBroker()
    broker.append(0, b"a")
    async with reading(broker) as subject:
        await subject.until_read(b"a")
        broker.silent = True
        broker.now_seconds += 31
        await subject.until_failed()
        broker.silent = False
        broker.append(0, b"b")
        await subject.until_read(b"a", b"b")
        await subject.until_current()
        assert (broker.connections, subject.feed.clears) == (2, 0)


async def test_broker_that_is_away_is_waited_for_and_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = FakeBroker(away=True)
    broker.append(0, b"a")
    with caplog.at_level(logging.INFO):
        async with reading(broker) as subject:
            await subject.until_failed(5)
            warnings = [it for it in caplog.records if it.levelno == logging.WARNING]
            assert len(warnings) == 1
            assert TOPIC in warnings[0].getMessage()
            assert "kafka:9092" in warnings[0].getMessage()
            broker.away = False
            await subject.until_read(b"a")
            await subject.until_current()
    assert "is read again" in caplog.text


async def test_missing_topic_is_waited_for_and_says_how_to_create_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = FakeBroker(logs=None)
    async with reading(broker) as subject:
        await subject.until_failed()
        assert "playvitals topics create" in caplog.text
        broker.logs = {0: []}
        broker.append(0, b"a")
        await subject.until_read(b"a")


async def test_topic_that_was_created_anew_is_read_from_its_beginning() -> None:
    broker = FakeBroker()
    broker.append(0, b"a", b"b")
    async with reading(broker) as subject:
        await subject.until_read(b"a", b"b")
        broker.logs = empty_logs()
        broker.append(0, b"c")
        polls = broker.polls

        async def was_polled() -> bool:
            return broker.polls > polls + 1

        await until(was_polled, "the shorter end was seen", SECONDS)
        assert subject.feed.clears == 0, "a leader that was just elected may be behind"
        broker.now_seconds += 6
        await subject.until_read(b"c")
        assert subject.feed.clears == 1
        broker.out_of_range = True
        await subject.until_failed(2)
        await subject.until_read(b"c")
        assert subject.feed.clears == 2


async def test_bug_in_a_feed_does_not_end_the_reading(caplog: pytest.LogCaptureFixture) -> None:
    broker = FakeBroker()
    async with reading(broker) as subject:
        await subject.until_current()
        subject.feed.broken = True
        broker.append(0, b"a")
        await subject.until_failed()
        assert "a bug" in caplog.text
        await subject.until_read(b"a")
