"""A whole deployment for a benchmark, each part a process of its own, and what each of them costs.

On an embedded broker, whose CPU time is known, or on the Kafka of PLAYVITALS_KAFKA, whose is not.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from app.child_process import ChildProcess
from app.embedded_broker import embedded_broker
from app.ports import free_port_pair
from app.settings import Settings, load_settings
from app.topics import ensure_topics
from bench.process_cpu import cpu_seconds_of
from models.errors import OperatorError

KEY = "pk_test_bench"
READY_SECONDS = 60.0

_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.1
_SAMPLE = re.compile(rb"^(\w+)(?:\{[^}]*\})? (\S+)$", re.M)


@dataclass
class Part:
    """One process, and where it answers HTTP; the broker nowhere."""

    process: ChildProcess
    url: str = ""


class Stack:
    """Broker, APIs and workers, each under its name: ``broker``, ``api``, ``worker-1`` and on."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.parts: dict[str, Part] = {}
        self._environ = environ

    def workers(self) -> list[str]:
        """Their names."""
        return [name for name in self.parts if name.startswith("worker")]

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time of each process so far."""
        return {name: cpu_seconds_of(part.process.pid) for name, part in self.parts.items()}

    async def start(self, name: str, command: str, address: str, **values: str) -> None:
        """Start a process of playvitals that answers at ``address``; :meth:`stop` ends it."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PLAYVITALS_")}
        own = {f"PLAYVITALS_{setting}": value for setting, value in values.items()}
        words = (sys.executable, "-P", "-m", "app.cli", command)
        process = await ChildProcess.start(
            name, words, {**inherited, **self._environ, **own}, sys.stderr
        )
        self.parts[name] = Part(process, f"http://{address}")

    async def start_api(self) -> None:
        """Start the API."""
        await self.start("api", "api", str(self.settings.api_address))

    async def start_workers(self, count: int) -> None:
        """Start so many more workers, at once."""
        for _ in range(count):
            address = f"127.0.0.1:{free_port_pair()}"
            name = f"worker-{len(self.workers()) + 1}"
            await self.start(name, "worker", address, METRICS_ADDRESS=address)

    async def until_ready(self, session: aiohttp.ClientSession) -> None:
        """Wait until all are ready at once: a worker that joins makes the others not ready again.

        Raises:
            OperatorError: one ended, or they did not become ready in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not all([await _is_ready(session, part) for part in self.parts.values()]):
            self.require_running()
            if time.monotonic() > deadline:
                raise OperatorError(f"not all processes were ready within {READY_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    def require_running(self) -> None:
        """See that every process runs.

        Raises:
            OperatorError: one ended.
        """
        for name, part in self.parts.items():
            if not part.process.running:
                raise OperatorError(f"{name} ended: {part.process.last_line}")

    async def counts(
        self, session: aiohttp.ClientSession, metric: str, names: Sequence[str]
    ) -> list[float]:
        """A metric of each of these processes, summed over its labels."""
        bodies = [await self.metrics(session, name) for name in names]
        return [summed(body, metric) for body in bodies]

    async def metrics(self, session: aiohttp.ClientSession, name: str) -> bytes:
        """What a process answers on ``/metrics``; nothing while it does not."""
        try:
            async with session.get(f"{self.parts[name].url}/metrics") as response:
                return await response.read()
        except aiohttp.ClientConnectionError:
            self.require_running()
            return b""

    async def stop(self) -> None:
        """End what :meth:`start` started."""
        running = [part.process.stop(_STOP_SECONDS) for part in self.parts.values() if part.url]
        await asyncio.gather(*running)


@asynccontextmanager
async def empty_stack(**values: str) -> AsyncIterator[Stack]:
    """A broker with empty topics under a prefix of its own; ``NAME=value`` sets PLAYVITALS_NAME."""
    kafka = os.environ.get("PLAYVITALS_KAFKA")
    broker_port = free_port_pair()
    own = {
        "EMBEDDED_KAFKA_ADDRESS": f"127.0.0.1:{broker_port}",
        "API_ADDRESS": f"127.0.0.1:{broker_port + 1}",
        "TOPIC_PREFIX": f"bench.{time.time_ns()}.",
        "ENVIRONMENT": "test",
        "API_KEYS": KEY,
        "RATE_LIMIT_PER_MINUTE": "1000000000",
        **({"KAFKA": kafka} if kafka else {}),
        **values,
    }
    environ = {f"PLAYVITALS_{name}": value for name, value in own.items()}
    stack = Stack(load_settings(environ), environ)
    async with AsyncExitStack() as opened:
        if not kafka:
            address = stack.settings.embedded_kafka_address
            broker = await opened.enter_async_context(embedded_broker(address))
            stack.parts["broker"] = Part(broker)
        await ensure_topics(stack.settings)
        opened.push_async_callback(stack.stop)
        yield stack


def summed(body: bytes, metric: str) -> float:
    """A metric summed over its labels; without parsing all the others, which costs a core."""
    name = metric.encode()
    return sum(float(value) for found, value in _SAMPLE.findall(body) if found == name)


async def _is_ready(session: aiohttp.ClientSession, part: Part) -> bool:
    if not part.url:
        return True
    try:
        async with session.get(f"{part.url}/readyz") as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientConnectionError:
        return False
