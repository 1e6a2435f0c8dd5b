"""The deployment under test: one API and some workers, each a process of its own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random

import httpx

from app.settings import Settings, load_settings
from tests.chaos.processes import Log, Program

PARTITIONS = 12
ANSWER_SECONDS = 15.0
KEY = "pk_live_chaos"
MOST_WORKERS = 3
# Under the ports that a system gives to outgoing connections: one of those could take the port of
# a process while it is down.
PORTS = range(21_000, 23_000)
PORTS_OF_RUN = 100
WORKER_SETTINGS = {
    "WINDOWS": "30s,2m",
    "GRACE_SECONDS": "20",
    "VIEW_TIMEOUT_SECONDS": "20",
    "STRAGGLER_SECONDS": "5",
    "CHECKPOINT_SECONDS": "3",
    "SESSION_TIMEOUT_SECONDS": "6",
    "REBALANCE_TIMEOUT_SECONDS": "15",
    "LOG_LEVEL": "info",
}
"""Short times, so that a run meets every one of them, and logs that tell what came before."""


def port_giver(random: Random) -> Callable[[], int]:
    """Gives loopback ports that nobody listens on, another one at every call."""
    # A run has ports of its own: another one beside it may be about to use what is free now.
    first = os.getpid() * PORTS_OF_RUN % len(PORTS)
    own = PORTS[first : first + PORTS_OF_RUN]
    candidates: Iterator[int] = iter(random.sample(own, len(own)))

    def give() -> int:
        for port in candidates:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
        raise AssertionError(f"no port is free in {own}")

    return give


class Fleet:
    """The API and the workers of one run.

    Args:
        folder: for the logs of the processes.
    """

    def __init__(
        self, bootstrap_servers: str, free_port: Callable[[], int], folder: Path, log: Log
    ) -> None:
        self.problems: list[str] = []
        """What no fault explains, one line each."""
        self.workers: list[Program] = []
        """Those that are meant to run, whether they do at the moment or not."""
        self.unasked_ends = 0
        """How often a process ended by itself; it was started again."""
        self._numbers = count()
        self._log = log
        self._folder = folder
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PLAYVITALS_")},
            "PLAYVITALS_KAFKA": bootstrap_servers,
            "PLAYVITALS_TOPIC_PREFIX": "chaos.",
            "PLAYVITALS_PARTITIONS": str(PARTITIONS),
            "PLAYVITALS_API_ADDRESS": f"127.0.0.1:{free_port()}",
            "PLAYVITALS_API_KEYS": KEY,
            **{f"PLAYVITALS_{name}": value for name, value in WORKER_SETTINGS.items()},
        }
        self._metrics_ports = [free_port() for _ in range(MOST_WORKERS)]
        self.settings: Settings = load_settings(self._environ)
        url = self.settings.api_address.url
        self.api = Program("api", "api", self._environ, url, folder, self.note_end)

    async def scale(self, count: int, **settings: str) -> None:
        """Run so many workers; those that are too many end by SIGTERM once they are ready."""
        while len(self.workers) > count:
            await self.retire(self.workers[-1])
        while len(self.workers) < count:
            worker = self._new_worker(settings)
            self.workers.append(worker)
            await worker.start()

    async def retire(self, worker: Program) -> None:
        """End a worker in order, for good."""
        await worker.until_ready()
        self.workers.remove(worker)
        self.check_exit(worker, await worker.stop())

    def check_exit(self, worker: Program, code: int) -> None:
        """Note an exit code that a worker asked to end must not have."""
        if code != 0:
            self.problems.append(f"{worker.name} ended with {code} after SIGTERM")

    def note_end(self, line: str) -> None:
        """Tell of a process that ended although no fault asked it to."""
        self.unasked_ends += 1
        self._log(line)

    async def post_event(self) -> int:
        """Send one event of its own viewer to the API; the status of the answer."""
        number = next(self._numbers)
        event = {
            "event": "like",
            "contentId": "clip-outage",
            "eventId": f"outage-{number}",
            "sessionId": f"s-outage-{number}",
        }
        url = f"{self.settings.api_address.url}/v1/events"
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
            headers = {"Authorization": f"Bearer {KEY}"}
            return (await client.post(url, json=event, headers=headers)).status_code

    async def abandon(self) -> None:
        """Leave no process behind."""
        await asyncio.gather(*(program.abandon() for program in (*self.workers, self.api)))

    def _new_worker(self, settings: dict[str, str]) -> Program:
        taken = {worker.name for worker in self.workers}
        number = next(n for n in range(1, MOST_WORKERS + 1) if f"worker-{n}" not in taken)
        address = f"127.0.0.1:{self._metrics_ports[number - 1]}"
        environ = {
            **self._environ,
            **{f"PLAYVITALS_{name}": value for name, value in settings.items()},
            "PLAYVITALS_METRICS_ADDRESS": address,
        }
        name = f"worker-{number}"
        return Program(name, "worker", environ, f"http://{address}", self._folder, self.note_end)


@asynccontextmanager
async def running_fleet(
    bootstrap_servers: str, free_port: Callable[[], int], folder: Path, log: Log
) -> AsyncIterator[Fleet]:
    """A fleet without any process yet; when left, however that is, all of them are gone."""
    fleet = Fleet(bootstrap_servers, free_port, folder, log)
    try:
        yield fleet
    finally:
        await fleet.abandon()
