"""The core of the comparison in a few minutes: our worker, textbook Faust, and the API."""

from dataclasses import dataclass

from app.ports import free_port_pair
from bench.api_throughput import ApiThroughput, api_process, measure_api
from bench.peer_process import Peer, measure_peer
from bench.peers.programs import PLAIN_FAUST
from bench.sizing import long_enough
from bench.worker_throughput import Throughput, measure_worker

FIRST_EVENTS = 600_000
LIMIT_EVENTS = 2_500_000


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
    worker_seconds: float, peer_events: int, api_seconds: float, seed: int
) -> QuickReport:
    """Measure the three one after the other, each on a broker of its own.

    The worker's load is chosen for it to work about ``worker_seconds``, whatever its speed.

    Raises:
        OperatorError: one of them failed, or counted something else than the load holds.
    """

    async def worker(events: int) -> Throughput:
        return await measure_worker(events, seed, free_port_pair(), steady_seconds=worker_seconds)

    measured = await long_enough(worker, FIRST_EVENTS, worker_seconds, LIMIT_EVENTS)
    plain_faust = await measure_peer(PLAIN_FAUST, peer_events, seed, worker_seconds)
    async with api_process(free_port_pair()) as (settings, _):
        api = await measure_api(settings, 10, api_seconds)
    return QuickReport(measured, plain_faust, api)
