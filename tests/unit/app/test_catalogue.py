"""The content catalogue, read from a topic that a test controls."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import KafkaConnectionError
from prometheus_client import CollectorRegistry

from app.catalogue import CatalogueFeed, CatalogueReader, catalogue_reader
from app.settings import load_settings
from models.catalogue import REMOVAL_GRACE_MS, Catalogue
from models.errors import OperatorError
from tests.support.core import FakeRecord
from tests.support.fake_topic import TOPIC, FakeBroker
from tests.support.live import LiveRecord
from tests.support.waiting import until


def record(content_id: bytes | None, value: bytes | None = b"{}", at_ms: int = 1_000) -> LiveRecord:
    return LiveRecord(content_id, value, timestamp=at_ms)


class Catalogued:
    """A reader of the catalogue on a broker, whose topic has two partitions."""

    def __init__(self, broker: FakeBroker, limit: int = 3) -> None:
        self.broker = broker
        self.asked = 0
        settings = load_settings(
            {"PLAYVITALS_CATALOGUE_TOPIC": TOPIC, "PLAYVITALS_CATALOGUE_CONTENTS": str(limit)}
        )
        self.reader = CatalogueReader(settings, TOPIC, self._partitions, broker.connect)

    def put(self, *content_ids: str) -> None:
        assert self.broker.logs is not None
        for content_id in content_ids:
            log = self.broker.logs[len(content_id) % 2]
            log.append(LiveRecord(content_id.encode(), b"{}", len(content_id) % 2, len(log)))

    async def answer_after(self, seconds: float) -> None:
        """Let that time pass, and the broker answer then."""
        self.broker.now_seconds += seconds
        polls = self.broker.polls

        async def has_answered() -> bool:
            return self.broker.polls > polls + 5

        await until(has_answered, "the broker answered", 5.0)

    async def _partitions(self, topic: str) -> int | None:
        self.asked += 1
        if self.broker.away:
            raise KafkaConnectionError("no broker")
        return None if self.broker.logs is None else len(self.broker.logs)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(self.reader.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_values_put_and_tombstones_remove() -> None:
    catalogue = Catalogue(10)
    feed = CatalogueFeed(catalogue)
    feed.apply([record(b"a"), record(b"b"), record(b"c", b"")])
    assert catalogue.knows("a", 5_000)
    assert not catalogue.knows("c", 1_000 + REMOVAL_GRACE_MS)
    feed.apply([record(b"a", None, 2_000), record(b"b", b"", 3_000)])
    for name, removed_ms in (("a", 2_000), ("b", 3_000)):
        holds_ms = removed_ms + REMOVAL_GRACE_MS
        assert catalogue.knows(name, holds_ms - 1)
        assert not catalogue.knows(name, holds_ms)


def test_keys_that_are_no_content_id_do_no_harm() -> None:
    catalogue = Catalogue(10)
    CatalogueFeed(catalogue).apply([record(None), record(b"\xff"), record(b"a")])
    assert catalogue.knows("a", 0)


def test_topic_that_was_made_anew_does_not_make_every_content_unknown() -> None:
    catalogue = Catalogue(10)
    feed = CatalogueFeed(catalogue)
    feed.apply([record(b"a")])
    feed.clear()
    assert catalogue.knows("a", 0)


def test_without_the_setting_there_is_none() -> None:
    assert catalogue_reader(load_settings({})) is None
    reader = catalogue_reader(load_settings({"PLAYVITALS_CATALOGUE_TOPIC": TOPIC}))
    assert reader is not None
    assert reader.topic == TOPIC


async def test_it_is_read_to_its_end_and_followed() -> None:
    subject = Catalogued(FakeBroker())
    subject.put("a", "bb")
    reader = subject.reader
    async with subject.running():
        await reader.until_read()
        assert reader.is_read
        assert [reader.catalogue.knows(name, 0) for name in ("a", "bb", "c")] == [True, True, False]
        subject.put("c")

        async def is_known() -> bool:
            return reader.catalogue.knows("c", 0)

        await until(is_known, "the new content is known", 5.0)


async def test_metrics_say_how_many_there_are_and_whether_they_are_current() -> None:
    subject = Catalogued(FakeBroker())
    registry = CollectorRegistry()
    registry.register(subject.reader)
    value = registry.get_sample_value
    assert value("playvitals_catalogue_contents") == 0
    assert value("playvitals_catalogue_current") == 0
    subject.put("a", "bb")
    async with subject.running():
        await subject.reader.until_read()
        assert value("playvitals_catalogue_contents") == 2


async def test_topic_that_does_not_exist_ends_it_with_what_to_do() -> None:
    subject = Catalogued(FakeBroker(logs=None))
    with pytest.raises(OperatorError, match=f"PLAYVITALS_CATALOGUE_TOPIC={TOPIC} does not exist"):
        await subject.reader.run()
    assert not subject.reader.is_read


async def test_broker_that_is_away_at_the_start_is_waited_for() -> None:
    subject = Catalogued(FakeBroker(away=True))
    async with subject.running() as task:

        async def was_asked() -> bool:
            return subject.asked > 0

        await until(was_asked, "the broker was asked", 5.0)
        assert not task.done()
        subject.broker.away = False
        async with asyncio.timeout(5.0):
            await subject.reader.until_read()


async def test_more_contents_than_the_limit_end_it_with_what_to_do() -> None:
    subject = Catalogued(FakeBroker())
    subject.put("a", "bb", "ccc", "dddd")
    async with asyncio.timeout(5.0):
        with pytest.raises(OperatorError, match="PLAYVITALS_CATALOGUE_CONTENTS=3: raise it"):
            await subject.reader.run()


def raw(content_id: str, at_ms: int) -> FakeRecord:
    event = {"event": "like", "contentId": content_id, "sessionId": "s", "data": {}}
    return FakeRecord(0, at_ms, json.dumps(event).encode())


async def test_records_of_unknown_contents_wait_until_the_broker_has_no_news_of_them() -> None:
    subject = Catalogued(FakeBroker())
    subject.put("a")
    now_ms = round(subject.broker.now_seconds * 1000)
    async with subject.running():
        await subject.reader.until_read()
        await subject.answer_after(1.0)
        async with asyncio.timeout(2.0):
            await subject.reader.settle([raw("a", now_ms + 60_000)])
            await subject.reader.settle([raw("bb", now_ms), FakeRecord(1, now_ms, None)])
        waiting = asyncio.create_task(subject.reader.settle([raw("bb", now_ms + 1_500)]))
        await subject.answer_after(0.4)
        await subject.answer_after(1.0)
        assert not waiting.done(), "what was answered last was asked for before the event"
        subject.put("bb")
        await subject.answer_after(0.1)
        async with asyncio.timeout(2.0):
            await waiting
        assert subject.reader.catalogue.knows("bb", now_ms)


async def test_records_of_unknown_contents_wait_for_what_was_answered_but_not_yet_read() -> None:
    subject = Catalogued(FakeBroker(), limit=1_000)
    subject.put("a")
    now_ms = round(subject.broker.now_seconds * 1000)
    async with subject.running():
        await subject.reader.until_read()
        await subject.answer_after(1.0)
        # The answer has all of them, and is handed over one by one.
        subject.broker.records_per_poll, subject.broker.seconds_per_poll = 1, 0.1
        subject.put(*(f"b{number}" for number in range(100, 400)), "bb")
        async with asyncio.timeout(5.0):
            await subject.reader.settle([raw("bb", now_ms + 1_001)])
        assert subject.reader.catalogue.knows("bb", now_ms)
