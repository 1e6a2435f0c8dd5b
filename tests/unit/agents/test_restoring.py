"""Partitions that come and go with the generations of the group."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from agents.intake import Intake
from agents.restoring import Ownership, RawBounds, restore_partition
from models.checkpoints import Totals
from models.errors import OperatorError
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tests.support.core import T0, FakeRecord, Remembered, play, rules

ORIGIN = Origin("playvitals.events.raw", 2)
RECORD = FakeRecord(4, T0, json.dumps(play(0)).encode())


class Outputs(Remembered):
    def partial(self, dimension: str, value: bytes) -> None: ...

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    async def wait_room(self) -> None:
        return


HUNDRED = RawBounds(0, 100)


@dataclass
class Source:
    """What the topics hold of a partition; reading waits while ``blocked``."""

    records: dict[bytes, bytes] = field(default_factory=dict)
    committed_offset: int | None = None
    bounds: RawBounds = HUNDRED
    blocked: asyncio.Event | None = None
    reads: int = 0

    async def state_records(self, partition: int) -> dict[bytes, bytes]:
        self.reads += 1
        if self.blocked is not None:
            await self.blocked.wait()
        return self.records

    async def raw_bounds(self, partition: int) -> RawBounds:
        return self.bounds

    async def committed(self, partition: int) -> int | None:
        return self.committed_offset


def new_intake() -> Intake:
    return Intake(rules(dimensions=()), Counters(), Outputs(), lambda _: 0, 5000, lambda: T0)


def checkpoint() -> dict[bytes, bytes]:
    """The records of a checkpoint that ends at offset 4."""
    intake = new_intake()
    owned = intake.partitions[0] = intake.new_partition(0, ORIGIN)
    intake.apply(0, [RECORD])
    owned.begin_checkpoint(1)
    cut = owned.log.go_on(1)
    assert cut is not None
    return dict(cut.records)


class Worker:
    def __init__(self, source: Source) -> None:
        self.intake = new_intake()
        self.opened: list[int] = []
        self.errors: list[Exception] = []
        self.source = source
        self.ownership = Ownership(self.intake, source, ORIGIN, self.open, self.guard)

    async def open(self, partition: int) -> None:
        self.opened.append(partition)

    async def guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self.errors.append(error)

    async def assign(self, partitions: set[int], generation: int) -> None:
        self.ownership.assign(partitions, generation)
        await asyncio.sleep(0.01)


async def test_partition_is_opened_once_it_is_restored() -> None:
    source = Source(checkpoint(), 5, blocked=asyncio.Event())
    worker = Worker(source)
    await worker.assign({0}, 1)
    assert not worker.ownership.is_open(0)
    assert not worker.ownership.is_restored()
    assert source.blocked is not None
    source.blocked.set()
    await asyncio.sleep(0.01)
    assert worker.ownership.is_open(0)
    assert worker.ownership.is_restored()
    assert worker.opened == [0]
    assert worker.intake.partitions[0].state.upto == 4
    assert worker.intake.partitions[0].ledger_imbalance() == 0


async def test_kept_partition_goes_on_while_another_is_restored() -> None:
    worker = Worker(Source())
    await worker.assign({0}, 1)
    kept = worker.intake.partitions[0]
    await worker.assign({0, 1}, 2)
    assert worker.intake.partitions[0] is kept
    assert worker.source.reads == 2


async def test_lost_partition_is_forgotten_at_once() -> None:
    worker = Worker(Source())
    await worker.assign({0, 1}, 1)
    worker.ownership.assign({1}, 2)
    assert worker.intake.partitions.keys() == {1}


async def test_after_a_missed_generation_everything_is_restored() -> None:
    worker = Worker(Source())
    await worker.assign({0}, 1)
    before = worker.intake.partitions[0]
    await worker.assign({0}, 3)
    assert worker.intake.partitions[0] is not before
    assert worker.source.reads == 2


async def test_restore_of_a_partition_that_leaves_meanwhile_is_given_up() -> None:
    source = Source(blocked=asyncio.Event())
    worker = Worker(source)
    await worker.assign({0}, 1)
    await worker.assign(set(), 2)
    assert source.blocked is not None
    source.blocked.set()
    await asyncio.sleep(0.01)
    assert worker.intake.partitions == {}
    assert worker.opened == []


async def test_restore_that_ignores_its_cancellation_changes_nothing() -> None:
    source = Source(blocked=asyncio.Event())
    worker = Worker(source)
    read = source.state_records

    async def stubborn_read(partition: int) -> dict[bytes, bytes]:
        with suppress(asyncio.CancelledError):
            await read(partition)
        return {}

    source.state_records = stubborn_read  # type: ignore[method-assign]
    await worker.assign({0}, 1)
    await worker.assign({0}, 3)
    assert not worker.ownership.is_open(0), "what was read in generation 1 is out of date"
    assert source.blocked is not None
    source.blocked.set()
    await asyncio.sleep(0.01)
    assert worker.ownership.is_open(0)
    assert (worker.opened, worker.errors) == ([0], [])


async def test_restore_that_fails_ends_the_worker() -> None:
    worker = Worker(Source({}, committed_offset=5))
    await worker.assign({0}, 1)
    assert "has no checkpoint of it" in str(worker.errors[0])
    assert not worker.ownership.is_open(0)


@pytest.mark.parametrize(
    ("committed", "bounds", "message"),
    [
        (9, RawBounds(0, 100), "the state topic lost its end"),
        (5, RawBounds(0, 4), "created anew or lost its end"),
        (5, RawBounds(7, 100), "2 records expired or were deleted uncounted"),
    ],
)
async def test_state_that_does_not_fit_stops_with_the_way_out(
    committed: int, bounds: RawBounds, message: str
) -> None:
    owned = new_intake().new_partition(0, ORIGIN)
    with pytest.raises(OperatorError, match=message) as refused:
        await restore_partition(owned, Source(checkpoint(), committed, bounds))
    assert "playvitals topics reset" in str(refused.value)


@pytest.mark.parametrize("bounds", [RawBounds(5, 5), RawBounds(0, None)])
async def test_state_fits_a_raw_topic_that_ends_right_after_it(bounds: RawBounds) -> None:
    owned = new_intake().new_partition(0, ORIGIN)
    await restore_partition(owned, Source(checkpoint(), None, bounds))
    assert owned.state.upto == 4


async def test_last_record_is_read_again_and_has_to_be_the_same() -> None:
    intake = new_intake()
    owned = intake.partitions[0] = intake.new_partition(0, ORIGIN)
    await restore_partition(owned, Source(checkpoint(), 5))
    assert owned.next_offset() == 4
    other = FakeRecord(4, T0 + 1, RECORD.value)
    with pytest.raises(OperatorError, match="another one than the state was made from"):
        intake.apply(0, [other])


async def test_once_the_last_record_was_seen_to_be_the_same_it_goes_on() -> None:
    intake = new_intake()
    owned = intake.partitions[0] = intake.new_partition(0, ORIGIN)
    await restore_partition(owned, Source(checkpoint(), 5))
    intake.apply(0, [RECORD, FakeRecord(5, T0, RECORD.value)])
    assert owned.next_offset() == 6
    assert (owned.state.accepted, owned.state.duplicate, owned.ledger_imbalance()) == (1, 1, 0)


async def test_clock_of_an_idle_partition_ran_on_while_nobody_owned_it() -> None:
    intake = new_intake()
    owned = intake.new_partition(0, ORIGIN)
    owned.restored(Totals(behind_ms=300), -1, T0)
    assert owned.ticks.due(T0 + 60_000, T0) == T0 + 55_000
