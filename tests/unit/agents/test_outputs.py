import asyncio
from collections.abc import Sequence

from agents.outputs import KafkaOutputs
from models.errors import BrokerUnavailableError
from tables.partition import AcceptedRecord


class Names:
    def topic(self, name: str) -> str:
        return f"pv.{name}"


class FakeWriter:
    def __init__(self) -> None:
        self.records: list[tuple[object, ...]] = []
        self.batch: asyncio.Future[None] = asyncio.get_running_loop().create_future()

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
        self.records.append((topic, partition, key, value, timestamp_ms, tuple(headers or ())))
        return self.batch

    def append_run(
        self, topic: str, partition: int, records: Sequence[AcceptedRecord], header: str
    ) -> "list[asyncio.Future[None]]":
        for key, value, timestamp_ms, source in records:
            self.append(
                topic, partition, key, value, timestamp_ms=timestamp_ms, headers=[(header, source)]
            )
        return [self.batch]

    async def wait_room(self) -> None:
        return

    async def flush(self) -> None:
        await asyncio.shield(self.batch)


async def test_records_go_to_their_topics_with_keys_times_and_headers() -> None:
    writer = FakeWriter()
    outputs = KafkaOutputs(Names(), writer, lambda key: len(key), lambda _: None)
    outputs.accepted(2, [(b"s1", b"{}", 7, b"2:40")])
    outputs.rejected(2, None, b"{}", 7)
    outputs.view(b"user", b"{}", 8)
    outputs.window("1m|all|", None, 9)
    outputs.partial("codec", b"p")
    outputs.contents(4, b"c")
    outputs.health(11, b"h")
    outputs.tick(5, "pv-tick", 10)
    outputs.state(3, b"e.1.a.0", b"v")
    assert writer.records == [
        ("pv.events.accepted", 2, b"s1", b"{}", 7, (("pv-src", b"2:40"),)),
        ("pv.events.rejected", 2, None, b"{}", 7, ()),
        ("pv.views", 4, b"user", b"{}", 8, ()),
        ("pv.windows", 7, b"1m|all|", None, 9, ()),
        ("pv.panes", 5, b"codec", b"p", None, ()),
        ("pv.contents", 4, None, b"c", None, ()),
        ("pv.health", 2, b"11", b"h", None, ()),
        ("pv.events.raw", 5, None, None, 10, (("pv-tick", b""),)),
        ("pv.state", 3, b"e.1.a.0", b"v", None, ()),
    ]


async def test_write_that_fails_stops_the_worker_once_per_batch() -> None:
    writer = FakeWriter()
    failures: list[BaseException] = []
    outputs = KafkaOutputs(Names(), writer, lambda _: 0, failures.append)
    for _ in range(3):
        outputs.view(b"u", b"{}", 1)
        outputs.accepted(0, [(b"u", b"{}", 1, b"0:1")])
    writer.batch.set_exception(BrokerUnavailableError("no acknowledgement"))
    await asyncio.sleep(0)
    assert [str(error) for error in failures] == ["no acknowledgement"]


async def test_batches_whose_records_come_by_turns_are_watched_once_each() -> None:
    writer = FakeWriter()
    failures: list[BaseException] = []
    outputs = KafkaOutputs(Names(), writer, lambda _: 0, failures.append)
    first, second = writer.batch, asyncio.get_running_loop().create_future()
    for batch in [first, second] * 3:
        writer.batch = batch
        outputs.view(b"u", b"{}", 1)
    first.set_exception(BrokerUnavailableError("first"))
    second.set_exception(BrokerUnavailableError("second"))
    await asyncio.sleep(0)
    assert [str(error) for error in failures] == ["first", "second"]
