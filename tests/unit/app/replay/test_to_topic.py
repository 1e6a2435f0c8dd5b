import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.partitioner import partition_for
from app.replay.lines import Line
from app.replay.pacing import Pacer
from app.replay.running import Plan, replay
from app.replay.summary import Summary
from app.replay.to_topic import TopicTarget
from models.errors import BrokerUnavailableError, OperatorError
from tables.partition import TICK_HEADER


class Written(NamedTuple):
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None
    headers: tuple[tuple[str, bytes], ...]


class FakeWriter:
    """Acknowledges what was appended when it is flushed, or fails from record ``fails_at`` on."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.records: list[Written] = []
        self._fails_at = fails_at
        self._open: list[asyncio.Future[None]] = []

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Sequence[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[None]:
        assert topic == "raw"
        self.records.append(Written(partition, key, value, timestamp_ms, tuple(headers or ())))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._fails_at is not None and len(self.records) > self._fails_at:
            future.set_exception(BrokerUnavailableError("the broker is away"))
        else:
            self._open.append(future)
        return future

    async def wait_room(self) -> None:
        await asyncio.sleep(0)

    async def flush(self) -> None:
        for future in self._open:
            future.set_result(None)
        self._open.clear()
        if self._fails_at is not None and len(self.records) > self._fails_at:
            raise BrokerUnavailableError("the broker is away")


async def run(
    lines: list[Line], plan: Plan, partitions: int = 3, writer: FakeWriter | None = None
) -> tuple[list[Written], Summary]:
    writer, summary = writer or FakeWriter(), Summary()
    target = TopicTarget(writer, "raw", partitions, summary, keep_time=plan.keep_time)
    await replay(lines, plan, target, summary, pacer=Pacer(None))
    return writer.records, summary


def line(raw: bytes, key: str | None, time_ms: int) -> Line:
    return Line(raw, key, time_ms, key is not None)


keys = st.sampled_from([f"session-{number}" for number in range(8)]) | st.none()


@given(st.lists(st.tuples(keys, st.integers(0, 10**6))), st.integers(1, 12))
def test_each_key_keeps_its_order_bytes_and_times(
    drawn: list[tuple[str | None, int]], partitions: int
) -> None:
    lines = [line(b"raw %d \xff" % n, key, time) for n, (key, time) in enumerate(drawn)]
    records, summary = asyncio.run(run(lines, Plan(keep_time=True), partitions))
    assert [(record.value, record.timestamp_ms) for record in records] == [
        (sent.raw, sent.time_ms) for sent in lines
    ]
    for record in records:
        if record.key is not None:
            assert record.partition == partition_for(record.key, partitions)
    assert (summary.sent, summary.received, summary.refused.total()) == (len(lines), len(lines), 0)


async def test_line_without_a_key_stays_with_the_line_before() -> None:
    lines = [
        line(b"first", None, 1),
        line(b"second", "session-1", 2),
        line(b"third", None, 3),
    ]
    records, _ = await run(lines, Plan(keep_time=True), 12)
    assert records[0].partition == 0
    assert records[2] == Written(records[1].partition, None, b"third", 3, ())


async def test_without_keep_time_the_record_time_is_that_of_writing() -> None:
    records, _ = await run([line(b"x", "s", 1)], Plan())
    assert records[0].timestamp_ms is None


async def test_settling_ticks_every_partition_in_order_of_time() -> None:
    lines = [line(b"late", "s", 1_000_500), line(b"early", "s", 2)]
    plan = Plan(keep_time=True, settle_seconds=60, tick_seconds=5)
    records, summary = await run(lines, plan, 4)
    ticks = records[2:]
    by_partition = defaultdict(list)
    for tick in ticks:
        assert (tick.key, tick.value, tick.headers) == (None, None, ((TICK_HEADER, b""),))
        by_partition[tick.partition].append(tick.timestamp_ms)
    expected = [1_000_500 + 5_000 * n for n in range(1, 13)]
    assert dict(by_partition) == dict.fromkeys(range(4), expected)
    times = [tick.timestamp_ms or 0 for tick in ticks]
    assert times == sorted(times)
    assert (summary.sent, summary.ticks) == (2, 48)


async def test_empty_recording_sends_no_ticks() -> None:
    records, _ = await run([], Plan(keep_time=True, settle_seconds=60))
    assert records == []


async def test_broker_that_goes_away_ends_the_replay_with_the_count() -> None:
    lines = [line(b"x", "s", n) for n in range(5)]
    with pytest.raises(OperatorError, match=r"raw: the broker is away; 0 of 4 lines"):
        await run(lines, Plan(keep_time=True), writer=FakeWriter(fails_at=2))


async def test_broker_that_fails_at_the_end_fails_the_replay() -> None:
    lines = [line(b"x", "s", n) for n in range(3)]
    with pytest.raises(OperatorError, match=r"2 of 3 lines were acknowledged"):
        await run(lines, Plan(keep_time=True), writer=FakeWriter(fails_at=2))
