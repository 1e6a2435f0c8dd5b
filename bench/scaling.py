"""What a second worker adds: one worker and two take in the same backlog, each with its broker.

The backlog is on the broker before any worker starts, so the load generator takes no CPU time of
what is measured. The embedded broker does, on the same cores; its share is measured and said.
"""

import asyncio
import os
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain

import aiohttp

from app.child_process import ChildProcess
from app.embedded_broker import embedded_broker
from app.ports import free_port_pair
from app.settings import Address, load_settings
from app.topics import ensure_topics
from bench.load import Load, fill_topic
from bench.process_cpu import cpu_seconds_of
from bench.totals import Totals, require_equal, totals_of, totals_of_metrics
from bench.worker_process import metrics_of, worker_process
from models.errors import OperatorError

LOAD_SECONDS = 300.0
DEADLINE_SECONDS = 600.0
POLL_SECONDS = 0.5
LEAST_SAMPLES = 3
# Parsing everything that a worker exports, twice a second, would take a good part of a core.
_COUNTED = re.compile(rb"^playvitals_events_total\{[^}]*\} (\S+)$", re.M)


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment: events that each worker has counted, CPU seconds of all of them, and of the
    broker."""

    at_seconds: float
    counted: tuple[float, ...]
    worker_seconds: float
    broker_seconds: float


@dataclass(frozen=True, slots=True)
class Reached:
    """One run, while all workers were at work. CPU time in microseconds per event: of all workers
    together, and of the broker."""

    workers: int
    seconds: float
    events_per_second: float
    worker_cpu_us: float
    broker_cpu_us: float
    largest_share: float
    """Of the events, that one worker took in."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """One worker beside two.

    ``by_wall_clock`` is the ratio of the rates on this machine, broker included; ``limit_here``
    the most it can be on so many cores, with the broker on them too. ``by_cpu`` is that of workers
    which have a core each and a broker elsewhere; the one with more of the events is the slower.
    """

    one: Reached
    two: Reached
    by_wall_clock: float
    limit_here: float
    by_cpu: float


async def measure_scaling(events: int, rounds: int, seed: int) -> Scaling:
    """One worker and two by turns, ``rounds`` times; the round with the least CPU time counts.

    Raises:
        OperatorError: a worker ended, did not finish, or the workers counted something else than
            the load holds.
    """
    found: dict[int, list[Reached]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, of_kind in found.items():
            of_kind.append(await measure_workers(workers, events, seed))
    one, two = (min(of_kind, key=lambda r: r.worker_cpu_us) for of_kind in found.values())
    return compare(one, two, os.cpu_count() or 1)


def compare(one: Reached, two: Reached, cores: int) -> Scaling:
    """What two runs on so many cores say together."""
    limit = cores * one.worker_cpu_us / (two.worker_cpu_us + two.broker_cpu_us)
    return Scaling(
        one=one,
        two=two,
        by_wall_clock=round(two.events_per_second / one.events_per_second, 3),
        limit_here=round(min(limit, 2.0), 3),
        by_cpu=round(one.worker_cpu_us / (two.worker_cpu_us * two.largest_share), 3),
    )


async def measure_workers(workers: int, events: int, seed: int) -> Reached:
    """Let so many workers take in a backlog of ``events``."""
    async with AsyncExitStack() as stack:
        own = {"PLAYVITALS_EMBEDDED_KAFKA_ADDRESS": f"127.0.0.1:{free_port_pair()}"}
        settings = load_settings(own)
        broker = await stack.enter_async_context(embedded_broker(settings.embedded_kafka_address))
        await ensure_topics(settings)
        load = Load(events, LOAD_SECONDS, time.time_ns() // 1_000_000, seed)
        await fill_topic(settings, load.chunks())
        addresses = [Address("127.0.0.1", free_port_pair()) for _ in range(workers)]
        processes = [
            await stack.enter_async_context(
                worker_process(own | {"PLAYVITALS_METRICS_ADDRESS": str(address)})
            )
            for address in addresses
        ]
        samples = await _samples(broker, processes, addresses, events)
        totals = await _totals(addresses)
    require_equal("the workers", totals, totals_of(chain.from_iterable(load.chunks())))
    return reached(samples)


def reached(samples: Sequence[Sample]) -> Reached:
    """Of a run whose last sample has all events, the part in which every worker was at work.

    It begins when each has counted something, and ends before the first of them is done.

    Raises:
        OperatorError: it is too short to say anything.
    """
    done = samples[-1].counted
    busy = [
        sample
        for sample in samples
        if all(0 < now < end for now, end in zip(sample.counted, done, strict=True))
    ]
    if len(busy) < LEAST_SAMPLES:
        raise OperatorError("the workers were hardly at work at the same time: take more events")
    first, last = busy[0], busy[-1]
    seconds = last.at_seconds - first.at_seconds
    of_each = [after - before for before, after in zip(first.counted, last.counted, strict=True)]
    events = sum(of_each)
    return Reached(
        workers=len(of_each),
        seconds=round(seconds, 2),
        events_per_second=round(events / seconds, 1),
        worker_cpu_us=round((last.worker_seconds - first.worker_seconds) / events * 1e6, 3),
        broker_cpu_us=round((last.broker_seconds - first.broker_seconds) / events * 1e6, 3),
        largest_share=round(max(of_each) / events, 4),
    )


async def _samples(
    broker: ChildProcess, processes: Sequence[ChildProcess], addresses: Sequence[Address], end: int
) -> list[Sample]:
    """One after the other, until the workers have counted ``end`` events between them."""
    samples: list[Sample] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            for process in processes:
                if not process.running:
                    raise OperatorError(f"a worker ended: {process.last_line}")
            counted = tuple([await _counted(session, address) for address in addresses])
            cpu_seconds = [cpu_seconds_of(process.pid) for process in (*processes, broker)]
            *of_workers, of_broker = cpu_seconds
            samples.append(Sample(time.monotonic(), counted, sum(of_workers), of_broker))
            if sum(counted) >= end:
                return samples
            await asyncio.sleep(POLL_SECONDS)
    raise OperatorError(f"the workers did not finish within {DEADLINE_SECONDS:.0f} s")


async def _counted(session: aiohttp.ClientSession, address: Address) -> float:
    """The events that a worker has counted; 0 while it does not answer."""
    try:
        async with session.get(f"{address.url}/metrics") as response:
            return sum(map(float, _COUNTED.findall(await response.read())))
    except aiohttp.ClientConnectionError:
        return 0.0


async def _totals(addresses: Sequence[Address]) -> Totals:
    """What all workers counted between them."""
    found = [await metrics_of(address.url) for address in addresses]
    names = set[str]().union(*found)
    return totals_of_metrics({name: sum(m.get(name, 0.0) for m in found) for name in names})
