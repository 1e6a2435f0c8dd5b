"""One worker under a full backlog for as long as is asked for, whatever its speed."""

from app.ports import free_port_pair
from bench.sizing import load_seconds, long_enough
from bench.worker_throughput import Throughput, measure_worker

EVENTS_PER_SECOND = 80_000
"""About what a worker does on a core, to choose the first load by."""
FIRST_SECONDS = 20.0
"""Of a measurement that tells how fast it is here, before a longer one."""


async def sustained_worker(seconds: float, seed: int, fold_records: int = 1000) -> Throughput:
    """Measure a worker for about so long after its warm-up, with more to take in all the time.

    Raises:
        OperatorError: as :func:`bench.worker_throughput.measure_worker`.
    """

    async def measure(events: int) -> Throughput:
        return await measure_worker(
            events, seed, free_port_pair(), fold_records, steady_seconds=seconds
        )

    first = EVENTS_PER_SECOND * load_seconds(min(seconds, FIRST_SECONDS))
    return await long_enough(measure, round(first), seconds)
