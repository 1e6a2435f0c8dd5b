"""The faults of a run: every type at least once, in an order drawn from the seed."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from random import Random

from tests.chaos.fleet import MOST_WORKERS, Fleet
from tests.chaos.processes import Log, Program
from tests.support.kafka_cluster import KafkaCluster
from tests.support.waiting import until

LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 3.0

OUTAGE = "outage"
FAULTS = (
    "api-pause",
    "broker-kill",
    "scale-down",
    "scale-up",
    "worker-kill",
    "worker-stall",
    "worker-term",
)


def first_round(random: Random) -> list[str]:
    """Every type once, the last one first: workers are added early and taken away later."""
    names = [name for name in FAULTS if not name.startswith("scale")]
    random.shuffle(names)
    up = random.randrange(len(names) - 1, len(names) + 1)
    names.insert(up, "scale-up")
    names.insert(random.randrange(up), "scale-down")
    return names


class Faults:
    """Hits the processes of a fleet and the brokers of a cluster, one fault after the other.

    Args:
        log: told of every fault, with whom it hits.
    """

    def __init__(self, cluster: KafkaCluster, fleet: Fleet, seed: int, log: Log) -> None:
        self.counts: Counter[str] = Counter()
        self._cluster = cluster
        self._fleet = fleet
        self._random = Random(f"faults:{seed}")  # noqa: S311 - a plan, not a secret
        self._log = log
        self._faults: dict[str, Callable[[], Awaitable[None]]] = {
            "worker-kill": self._kill_worker,
            "worker-term": self._terminate_worker,
            "worker-stall": self._stall_worker,
            "broker-kill": self._kill_broker,
            "api-pause": self._pause_api,
            "scale-up": self._scale_up,
            "scale-down": self._scale_down,
        }

    async def run(self, seconds: float, is_enough: Callable[[], bool]) -> None:
        """Go on for ``seconds``, until every type had its turn, and until ``is_enough``."""
        ends_at = time.monotonic() + seconds
        plan = first_round(self._random)
        await self._pause()
        while plan or time.monotonic() < ends_at or not is_enough():
            if not plan:
                plan = [self._random.choice(FAULTS)]
            name = plan.pop()
            if name == "scale-up" and len(self._fleet.workers) == MOST_WORKERS:
                name = "scale-down"
            self.counts[name] += 1
            await self._faults[name]()
            await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.uniform(LEAST_PAUSE_SECONDS, MOST_PAUSE_SECONDS))

    def _a_worker(self) -> Program:
        return self._random.choice(self._fleet.workers)

    async def _a_busy_worker(self) -> Program:
        """A worker that had some time to count what no checkpoint has yet."""
        worker = self._a_worker()
        await worker.until_ready()
        await asyncio.sleep(self._random.uniform(0.5, self._fleet.settings.checkpoint_seconds))
        return worker

    async def _kill_worker(self) -> None:
        # One in four is killed wherever it is, at its start perhaps.
        busy = self._random.random() < 0.75
        worker = await self._a_busy_worker() if busy else self._a_worker()
        self._log(f"kill {worker.name}")
        worker.kill()

    async def _terminate_worker(self) -> None:
        worker = self._a_worker()
        # Before it is ready it may not listen to signals yet.
        await worker.until_ready()
        self._log(f"terminate {worker.name}")
        self._fleet.check_exit(worker, await worker.terminate())

    async def _stall_worker(self) -> None:
        worker = await self._a_busy_worker()
        seconds = self._fleet.settings.session_timeout_seconds + self._random.uniform(2.0, 5.0)
        self._log(f"stop {worker.name} for {seconds:.1f} s")
        worker.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            worker.resume()
        self._log(f"{worker.name} goes on")

    async def _kill_broker(self) -> None:
        raw = self._fleet.settings.topic("events.raw")
        number = self._random.choice(sorted(set(await self._cluster.leaders(raw))))
        node = self._cluster.node(number)
        self._log(f"kill broker {number}")
        await node.kill()

        async def has_failed_over() -> bool:
            return await self._cluster.leads_nothing(number)

        await until(has_failed_over, f"others lead what broker {number} led")
        self._log(f"others lead what broker {number} led")
        await asyncio.sleep(self._random.uniform(0.0, 3.0))
        await node.start()
        # A second broker must not be lost before this one has caught up.
        await until(self._cluster.is_whole, "all replicas are in sync")
        self._log(f"broker {number} is back")

    async def lose_all_brokers(self, seconds: float) -> None:
        """Kill every broker under load and start them again after ``seconds``.

        Meanwhile the API has to answer 503.
        """
        self.counts[OUTAGE] += 1
        self._log(f"kill all brokers for {seconds:.0f} s")
        ends_at = time.monotonic() + seconds
        await asyncio.gather(*(node.kill() for node in self._cluster.nodes))
        statuses: Counter[int] = Counter()
        while time.monotonic() < ends_at:
            statuses[await self._fleet.post_event()] += 1
        await asyncio.gather(*(node.start() for node in self._cluster.nodes))
        await until(self._cluster.is_whole, "all replicas are in sync")
        self._log(f"all brokers are back; meanwhile the API answered {dict(statuses)}")
        if statuses.keys() != {HTTPStatus.SERVICE_UNAVAILABLE}:
            self._fleet.problems.append(f"without brokers the API answered {dict(statuses)}")

        async def takes_events() -> bool:
            return await self._fleet.post_event() == HTTPStatus.OK

        await until(takes_events, "the API takes events again")
        for worker in self._fleet.workers:
            await worker.until_ready()
        self._log("the API takes events and the workers are ready")

    async def _pause_api(self) -> None:
        seconds = self._random.uniform(2.0, 5.0)
        self._log(f"stop the API for {seconds:.1f} s")
        self._fleet.api.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._fleet.api.resume()
        self._log("the API goes on")

    async def _scale_up(self) -> None:
        self._log(f"{len(self._fleet.workers)} workers become {MOST_WORKERS}")
        await self._fleet.scale(MOST_WORKERS)

    async def _scale_down(self) -> None:
        count = max(1, len(self._fleet.workers) - 1)
        self._log(f"{len(self._fleet.workers)} workers become {count}")
        for worker in self._random.sample(self._fleet.workers, len(self._fleet.workers) - count):
            await self._fleet.retire(worker)
