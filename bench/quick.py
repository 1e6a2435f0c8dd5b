"""The core of the comparison in a few minutes: our worker, textbook Faust, and the API."""

import asyncio
import sys
import time
from dataclasses import dataclass
from itertools import chain

import msgspec

from app.ports import free_port_pair
from bench.api_throughput import ApiThroughput, api_process, measure_api
from bench.load import Load, fill_topic
from bench.totals import Totals, require_equal, totals_of
from bench.worker_process import broker_with_topics
from bench.worker_throughput import LOAD_SECONDS, Throughput, measure_worker
from models.errors import OperatorError

PEER_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Peer:
    """What another program reached on the same kind of load. CPU time is of its process."""

    events: int
    events_per_second: float
    cpu_us_per_event: float


@dataclass(frozen=True, slots=True)
class QuickReport:
    """Everything, one measurement each."""

    worker: Throughput
    plain_faust: Peer
    api: ApiThroughput

    @property
    def ratio(self) -> float:
        """Our worker's rate over that of textbook Faust."""
        return self.worker.events_per_second / self.plain_faust.events_per_second


async def measure_quick(
    worker_events: int, peer_events: int, api_seconds: float, seed: int
) -> QuickReport:
    """Measure the three one after the other, each on a broker of its own.

    Raises:
        OperatorError: one of them failed, or counted something else than the load holds.
    """
    worker = await measure_worker(worker_events, seed, free_port_pair())
    plain_faust = await measure_plain_faust(peer_events, seed)
    async with api_process(free_port_pair()) as (settings, _):
        api = await measure_api(settings, 10, api_seconds)
    return QuickReport(worker, plain_faust, api)


async def measure_plain_faust(events: int, seed: int) -> Peer:
    """Let textbook Faust take in a raw topic with so many events.

    Raises:
        OperatorError: it failed, or counted something else than the load holds.
    """
    async with broker_with_topics(free_port_pair()) as (settings, _):
        load = Load(events, LOAD_SECONDS, time.time_ns() // 1_000_000, seed)
        await fill_topic(settings, load.chunks())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.peers.plain_faust"),
            *(settings.bootstrap_servers, settings.topic_prefix),
            *("--partitions", str(settings.partitions), "--events", str(events)),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PEER_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError:
            raise OperatorError(
                f"textbook Faust did not take in {events} events within {PEER_SECONDS:.0f} s"
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise OperatorError("textbook Faust failed; see its message above")
    line = output.splitlines()[-1]
    require_equal(
        "textbook Faust",
        msgspec.json.decode(line, type=Totals),
        totals_of(chain.from_iterable(load.chunks())),
    )
    reached = msgspec.json.decode(line)
    return Peer(events, reached["events_per_second"], reached["cpu_us_per_event"])
