"""A worker that only looks alive is ended; one that is fine or cannot know is not."""

from collections.abc import Iterable

import pytest

from app.watchdog import Watchdog
from models.errors import BrokerUnavailableError, PlayvitalsError


class Worker:
    def __init__(self) -> None:
        self.now = 1000.0
        self.offsets = {0: 5, 1: 5}
        self.ends = {0: 5, 1: 5}
        self.moving = False
        self.preparing: object = None
        self.away = False
        self.dog = Watchdog(
            self.ask,
            lambda: self.offsets,
            lambda: self.moving,
            lambda: self.preparing,
            60.0,
            120.0,
            lambda: self.now,
        )

    async def ask(self, partitions: Iterable[int]) -> dict[int, int]:
        if self.away:
            raise BrokerUnavailableError("away")
        return {partition: self.ends[partition] for partition in partitions}

    async def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now += 1
            await self.dog.look()


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def test_idle_worker_is_fine(worker: Worker) -> None:
    await worker.wait(300)


async def test_one_partition_that_stands_still_ends_a_worker_whose_others_move(
    worker: Worker,
) -> None:
    worker.ends = {0: 9, 1: 10_000}

    async def others_move() -> None:
        while True:
            worker.offsets[1] += 1
            await worker.wait(1)

    with pytest.raises(PlayvitalsError, match="partition 0 stands still: 4 records wait"):
        await others_move()
    assert worker.now < 1070


async def test_slow_worker_is_fine(worker: Worker) -> None:
    worker.ends = {0: 1000, 1: 5}
    for _ in range(10):
        worker.offsets[0] += 1
        await worker.wait(50)


async def test_nothing_is_held_against_a_worker_while_the_brokers_are_away(
    worker: Worker,
) -> None:
    worker.ends = {0: 9, 1: 5}
    await worker.wait(30)
    worker.away = True
    await worker.wait(300)
    worker.away = False
    await worker.wait(50)
    with pytest.raises(PlayvitalsError):
        await worker.wait(20)


async def test_assignment_that_does_not_end_ends_the_worker(worker: Worker) -> None:
    worker.offsets = {}
    worker.moving = True
    await worker.wait(100)
    worker.moving = False
    await worker.wait(1)
    worker.moving = True
    with pytest.raises(PlayvitalsError, match="did not come to an end"):
        await worker.wait(130)


async def test_worker_that_never_gets_ready_is_ended(worker: Worker) -> None:
    worker.preparing = ({1}, {4: 17})
    with pytest.raises(PlayvitalsError, match="no step forward for 121 s"):
        await worker.wait(300)


async def test_worker_that_gets_ready_slowly_is_fine(worker: Worker) -> None:
    for step in range(20):
        worker.preparing = ({1}, {4: step})
        await worker.wait(100)
    worker.preparing = None
    await worker.wait(300)


async def test_nothing_is_held_against_a_worker_that_waits_for_the_brokers(worker: Worker) -> None:
    worker.preparing = ({1}, {4: 17})
    for _ in range(5):
        await worker.wait(100)
        worker.away = True
        await worker.wait(1)
        worker.away = False
