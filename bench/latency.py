"""How long an event takes from the API to ``/metrics`` at some shares of what the stack can take.

Broker, API, worker, load and this process share the machine, so its capacity is that of all of them
together: the highest rate at which requests are answered and the worker keeps up, searched for by
short trials. No event is sent to the same stack twice, since a repetition is less work.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from bench.http_load import READY
from bench.probes import Probes
from bench.stack import KEY, Stack, empty_stack
from models.errors import OperatorError

BATCH = 10
SHARES = (0.25, 0.5, 0.9)
BOUNDS_SECONDS = {0.25: 2.0, 0.5: 5.0}
"""The longest 99 % quantile that is promised."""
TRIAL_SECONDS = 8.0
WARM_UP_SECONDS = 5.0
FIRST_RATE = 10_000.0
LOWEST_RATE = 500.0
HIGHEST_RATE = 320_000.0
HALVINGS = 3
"""Of the gap between a rate that was kept up with and one that was not."""

_ANSWERED_SHARE = 0.97
# An eighth of a trial: so the capacity is rather said too high, which makes the shares no easier.
_BACKLOG_SECONDS = 1.0
_DRAIN_SECONDS = 120.0
_POLL_SECONDS = 0.2
_EVENTS = "playvitals_events_total"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending at a rate. ``cores`` are those that each process used meanwhile."""

    events_per_second: float
    answered_events_per_second: float
    refused_requests: int
    backlog_seconds: float
    """At the end, how long the worker had to go on at this rate."""
    cores: dict[str, float]

    @property
    def kept_up(self) -> bool:
        """Whether API and worker did as much as was asked for."""
        return (
            not self.refused_requests
            and self.answered_events_per_second >= _ANSWERED_SHARE * self.events_per_second
            and self.backlog_seconds <= _BACKLOG_SECONDS
        )


@dataclass(frozen=True, slots=True)
class Freshness:
    """Latencies of probes at a share of the capacity, in seconds."""

    share: float
    probes: int
    p50_seconds: float
    p99_seconds: float
    longest_seconds: float
    load: Sent

    @property
    def bound_seconds(self) -> float | None:
        """What is promised of the 99 % quantile; None: nothing."""
        return BOUNDS_SECONDS.get(self.share)


@dataclass(frozen=True, slots=True)
class Latency:
    """The capacity of the stack on this machine, and how fresh figures are below it."""

    capacity: float
    """In events per second."""
    levels: list[Freshness]


async def measure_latency(seconds: float, seed: int, say: Say) -> Latency:
    """Search for the capacity, then measure for ``seconds`` at each of the shares.

    Raises:
        OperatorError: a process ended, or the worker did not catch up.
    """
    async with _started_stack() as (stack, session):
        sender = Sender(stack, session, seed)

        async def kept_up(rate: float) -> bool:
            sent = await sender.send(rate, TRIAL_SECONDS)
            await sender.drain()
            say(f"{rate:,.0f} events/s {'are' if sent.kept_up else 'are not'} kept up with")
            return sent.kept_up

        capacity = await highest(kept_up)
    levels = []
    for share in SHARES:
        say(f"at {share:.0%} of {capacity:,.0f} events/s")
        # The embedded broker answers the more slowly the more it holds, and it forgets nothing.
        async with _started_stack() as (stack, session):
            levels.append(await _measure_level(stack, session, share, capacity, seconds, seed))
    return Latency(capacity, levels)


@asynccontextmanager
async def _started_stack() -> AsyncIterator[tuple[Stack, aiohttp.ClientSession]]:
    """An API and a worker that have seen nothing yet, and what asks them."""
    async with empty_stack() as stack, aiohttp.ClientSession() as session:
        await stack.start_api()
        await stack.start_workers(1)
        await stack.until_ready(session)
        yield stack, session


async def _measure_level(
    stack: Stack,
    session: aiohttp.ClientSession,
    share: float,
    capacity: float,
    seconds: float,
    seed: int,
) -> Freshness:
    sender = Sender(stack, session, seed)
    await sender.send(share * capacity, WARM_UP_SECONDS)
    await sender.drain()
    stop = asyncio.Event()
    measuring = asyncio.create_task(Probes(stack, session, stack.workers()[0]).measure(stop))
    try:
        sent = await sender.send(share * capacity, seconds)
    finally:
        stop.set()
        latencies = await measuring
    return freshness(share, latencies, sent)


async def highest(kept_up: Callable[[float], Awaitable[bool]]) -> float:
    """The highest rate that is kept up with, to an eighth of the gap to one that is not.

    Raises:
        OperatorError: not even the lowest one is.
    """
    rate = FIRST_RATE
    if await kept_up(rate):
        low, high = rate, 2 * rate
        while high <= HIGHEST_RATE and await kept_up(high):
            low, high = high, 2 * high
    else:
        low, high = rate / 2, rate
        while not await kept_up(low):
            low, high = low / 2, low
            if low < LOWEST_RATE:
                raise OperatorError(f"the stack does not keep up with {high:,.0f} events/s")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if await kept_up(middle) else (low, middle)
    return low


def freshness(share: float, latencies: list[float], load: Sent) -> Freshness:
    """What sorted latencies say."""
    return Freshness(
        share=share,
        probes=len(latencies),
        p50_seconds=round(latencies[len(latencies) // 2], 3),
        p99_seconds=round(latencies[len(latencies) * 99 // 100], 3),
        longest_seconds=round(latencies[-1], 3),
        load=load,
    )


class Sender:
    """Sends different events at a rate, from a process of its own, and knows what is still due."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, seed: int) -> None:
        self._stack = stack
        self._session = session
        self._seed = seed
        self._answered = 0

    async def send(self, events_per_second: float, seconds: float) -> Sent:
        """Send for so long; no two calls send the same.

        Raises:
            OperatorError: the load generator failed.
        """
        self._seed += 1
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.http_load", str(self._stack.settings.api_address)),
            *("--key", KEY, "--batch", str(BATCH), "--seconds", str(seconds), "--different"),
            *("--rate", str(events_per_second / BATCH), "--seed", str(self._seed)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            if process.stdout is None or await process.stdout.readline() != READY:
                raise OperatorError("the load generator failed; see its message above")
            before = self._cpu_seconds()
            output, _ = await process.communicate(b"\n")
            after = self._cpu_seconds()
            counted = await self._counted()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        report: dict[str, Any] = msgspec.json.decode(output)
        self._answered += report["requests"] * BATCH
        used = {name: after[name] - before[name] for name in before}
        used["load"] = report["own_cpu_seconds"]
        return Sent(
            events_per_second=round(events_per_second, 1),
            answered_events_per_second=round(report["requests"] * BATCH / report["seconds"], 1),
            refused_requests=report["refused"],
            backlog_seconds=round(max(0.0, self._answered - counted) / events_per_second, 3),
            cores={name: round(cpu / report["seconds"], 3) for name, cpu in used.items()},
        )

    async def drain(self) -> None:
        """Wait until the worker has counted everything that was answered.

        Raises:
            OperatorError: it did not within two minutes.
        """
        deadline = time.monotonic() + _DRAIN_SECONDS
        while await self._counted() < self._answered:
            self._stack.require_running()
            if time.monotonic() > deadline:
                raise OperatorError(f"the worker did not catch up within {_DRAIN_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _counted(self) -> float:
        return sum(await self._stack.counts(self._session, _EVENTS, self._stack.workers()))

    def _cpu_seconds(self) -> dict[str, float]:
        return self._stack.cpu_seconds() | {"measuring": time.process_time()}
