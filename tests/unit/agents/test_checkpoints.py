"""The order in which a checkpoint becomes durable, and what a failure leaves behind."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from agents import checkpoints
from agents.checkpoints import MAX_FAILURES, Checkpointer, SupersededError
from agents.intake import Intake
from models.checkpoints import is_manifest
from models.errors import BrokerUnavailableError, PlayvitalsError
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tests.support.core import T0, FakeRecord, Remembered, play, rules

ORIGIN = Origin("playvitals.events.raw", 2)


class Outputs(Remembered):
    """Writes down what happens, in order; ``broken`` fails every write of a checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.happened: list[str] = []
        self.log: list[tuple[int, bytes, bytes | None]] = []
        self.broken = False

    def partial(self, dimension: str, value: bytes) -> None:
        self.happened.append("panes published")

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    def state(self, partition: int, key: bytes, value: bytes | None) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.broken:
            done.set_exception(BrokerUnavailableError("the broker is away"))
            return done
        kind = "tombstone" if value is None else "manifest" if is_manifest(key) else "entry"
        self.happened.append(kind)
        self.log.append((partition, key, value))
        done.set_result(None)
        return done

    async def flush(self) -> None:
        self.happened.append("outputs acknowledged")

    async def wait_room(self) -> None:
        return


class Worker:
    """An intake with a checkpointer, and the group that it is a member of."""

    def __init__(self, interval_seconds: float = 3600.0) -> None:
        self.outputs = Outputs()
        self.generation = 1
        self.committed: dict[int, int] = {}
        self.refusal: Exception | None = None
        self.intake = Intake(
            rules(dimensions=()), Counters(), self.outputs, lambda _: 0, 5000, lambda: T0
        )
        for partition in (0, 1):
            self.intake.partitions[partition] = self.intake.new_partition(partition, ORIGIN)
        self.checkpointer = Checkpointer(
            self.intake, self.outputs, self.commit, lambda: self.generation, interval_seconds
        )

    async def commit(self, offsets: Mapping[int, int], generation: int) -> None:
        assert generation == self.generation
        if self.refusal is not None:
            raise self.refusal
        self.outputs.happened.append("committed")
        self.committed |= offsets

    def count(self, partition: int, offset: int) -> None:
        event = play(offset, session=f"s{partition}-{offset}")
        self.intake.apply(partition, [FakeRecord(offset, T0 + offset, json.dumps(event).encode())])


async def test_each_step_waits_for_the_one_before() -> None:
    worker = Worker()
    worker.count(0, 0)
    await worker.checkpointer.save([0])
    worker.outputs.happened.clear()
    worker.count(0, 1)
    await worker.checkpointer.save([0])
    happened = list(dict.fromkeys(worker.outputs.happened))
    assert happened == [
        "panes published",
        "outputs acknowledged",
        "entry",
        "manifest",
        "committed",
        "tombstone",
    ]
    assert worker.committed == {0: 2}


async def test_partition_that_did_not_move_is_not_written_again() -> None:
    worker = Worker()
    worker.count(0, 0)
    await worker.checkpointer.save([0, 1])
    written = len(worker.outputs.log)
    await worker.checkpointer.save([0, 1])
    assert len(worker.outputs.log) == written
    assert worker.committed == {0: 1}


async def test_events_have_their_turn_while_a_checkpoint_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoints, "VIEWERS_AT_ONCE", 10)
    worker = Worker()
    for offset in range(50):
        worker.count(0, offset)
    saving = asyncio.create_task(worker.checkpointer.save([0]))
    turns = 0
    while not worker.outputs.log:
        worker.count(0, 50 + turns)
        turns += 1
        await asyncio.sleep(0)
    await saving
    assert turns > 5
    assert worker.intake.partitions[0].state.upto == 49 + turns
    assert worker.committed == {0: 51}


@pytest.mark.parametrize("one_is_under_way", [False, True])
async def test_checkpoint_before_leaving_is_taken_in_one_go(
    one_is_under_way: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "VIEWERS_AT_ONCE", 1)
    worker = Worker()
    for offset in range(100):
        worker.count(0, offset)
    before = asyncio.create_task(worker.checkpointer.save([0] if one_is_under_way else []))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not worker.outputs.log
    saving = asyncio.create_task(worker.checkpointer.save_all(5.0))
    turns = 0
    while not worker.outputs.log:
        await asyncio.sleep(0)
        turns += 1
    await asyncio.gather(before, saving)
    assert turns < 10
    assert worker.committed == {0: 100}


async def test_nothing_is_deleted_where_the_commit_is_refused() -> None:
    worker = Worker()
    worker.count(0, 0)
    await worker.checkpointer.save([0])
    worker.count(0, 1)
    worker.refusal = RuntimeError("the partition belongs to another member")
    with pytest.raises(RuntimeError):
        await worker.checkpointer.save([0])
    assert "tombstone" not in worker.outputs.happened
    worker.refusal = None
    await worker.checkpointer.save([0])
    manifests = [key for _, key, value in worker.outputs.log if value and is_manifest(key)]
    deleted = [key for _, key, value in worker.outputs.log if value is None]
    assert set(manifests[:2]) <= set(deleted)
    assert manifests[2] not in deleted


async def test_checkpoint_is_given_up_when_partitions_were_assigned_anew() -> None:
    worker = Worker()
    worker.count(0, 0)

    async def assigned_meanwhile() -> None:
        worker.generation += 1

    worker.outputs.flush = assigned_meanwhile  # type: ignore[method-assign]
    with pytest.raises(SupersededError):
        await worker.checkpointer.save([0])
    assert worker.committed == {}


async def test_partition_that_was_lost_meanwhile_is_not_committed() -> None:
    worker = Worker()
    worker.count(0, 0)

    async def lost_meanwhile() -> None:
        del worker.intake.partitions[0]

    worker.outputs.flush = lost_meanwhile  # type: ignore[method-assign]
    with pytest.raises(SupersededError):
        await worker.checkpointer.save([0])
    assert worker.committed == {}


async def test_three_failures_in_a_row_end_the_worker() -> None:
    worker = Worker(interval_seconds=0.0)
    worker.count(0, 0)
    worker.outputs.broken = True
    for _ in range(MAX_FAILURES - 1):
        await worker.checkpointer.save_due()
    with pytest.raises(PlayvitalsError, match="3 checkpoints of raw partition 0 failed in a row"):
        await worker.checkpointer.save_due()
    assert worker.checkpointer.failures == MAX_FAILURES


async def test_success_in_between_begins_the_count_anew() -> None:
    worker = Worker(interval_seconds=0.0)
    worker.count(0, 0)
    for _ in range(MAX_FAILURES):
        worker.outputs.broken = True
        await worker.checkpointer.save_due()
        worker.outputs.broken = False
        await worker.checkpointer.save_due()
    assert worker.committed == {0: 1}


async def test_checkpoint_before_leaving_neither_fails_nor_takes_longer_than_allowed() -> None:
    worker = Worker()
    worker.count(0, 0)
    worker.count(1, 0)

    async def never() -> None:
        await asyncio.Event().wait()

    worker.outputs.flush = never  # type: ignore[method-assign]
    await asyncio.wait_for(worker.checkpointer.save_all(within_seconds=0.01), 5)
    assert worker.committed == {}


async def test_checkpoints_of_partitions_are_spread_over_the_interval() -> None:
    worker = Worker(interval_seconds=3600.0)
    worker.count(0, 0)
    worker.count(1, 0)
    await worker.checkpointer.save_due()
    assert worker.committed == {}


async def test_checkpoints_that_are_due_together_wait_for_the_outputs_once() -> None:
    worker = Worker(interval_seconds=0.0)
    worker.count(0, 0)
    worker.count(1, 0)
    await worker.checkpointer.save_due()
    assert worker.outputs.happened.count("outputs acknowledged") == 1
    assert worker.committed == {0: 1, 1: 1}
