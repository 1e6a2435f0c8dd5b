"""How many events per second one worker process handles, from the raw topic to its outputs.

The raw topic is filled first, so that the worker is never short of input; then the worker is
started as a user would start it, and its own counters and its CPU time are read while it works.
"""

import time
from dataclasses import dataclass
from itertools import chain

from app.child_process import ChildProcess
from app.settings import Settings
from bench.load import Load, fill_topic
from bench.totals import Totals, require_equal, totals_of, totals_of_metrics
from bench.worker_process import broker_with_topics, watch_metrics, worker_process

POLL_SECONDS = 1.0
_LEDGER = "playvitals_ledger_imbalance"
DEADLINE_SECONDS = 600.0
LOAD_SECONDS = 300.0
"""Event time that the load is spread over."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """One measurement. CPU time is of the worker process alone, in microseconds per event."""

    events: int
    seconds: float
    events_per_second: float
    cpu_us_per_event: float
    resident_mib: float
    ledger_imbalance: float
    totals: Totals


async def measure_worker(
    events: int, seed: int, port: int, fold_records: int = 1000, checkpoint_seconds: int = 10
) -> Throughput:
    """Fill an empty raw topic with ``events`` and let one worker take them in.

    ``port`` and the one after it must be free on loopback.

    Raises:
        OperatorError: the worker ended, did not finish within ten minutes, or counted something
            else than the load holds.
    """
    values = {
        "FOLD_RECORDS": str(fold_records),
        "CHECKPOINT_SECONDS": str(checkpoint_seconds),
    }
    async with broker_with_topics(port, **values) as (settings, environ):
        load = Load(events, LOAD_SECONDS, time.time_ns() // 1_000_000, seed)
        await fill_topic(settings, load.chunks())
        async with worker_process(environ) as worker:
            result = await _measure(worker, settings, events)
    require_equal("the worker", result.totals, totals_of(chain.from_iterable(load.chunks())))
    return result


async def _measure(worker: ChildProcess, settings: Settings, events: int) -> Throughput:
    """Measure between the first scrape with events and the first with all of them."""
    first: tuple[float, float, float] | None = None
    async for metrics in watch_metrics(worker, settings, POLL_SECONDS, DEADLINE_SECONDS):
        done = metrics.get("playvitals_events_total", 0.0)
        now = (time.monotonic(), done, metrics.get("process_cpu_seconds_total", 0.0))
        if first is None and done:
            first = now
        elif first is not None and done >= events and _LEDGER in metrics:
            seconds, counted = now[0] - first[0], done - first[1]
            return Throughput(
                events=events,
                seconds=round(seconds, 2),
                events_per_second=round(counted / seconds, 1),
                cpu_us_per_event=round((now[2] - first[2]) / counted * 1e6, 3),
                resident_mib=round(metrics["process_resident_memory_bytes"] / 2**20, 1),
                ledger_imbalance=metrics[_LEDGER],
                totals=totals_of_metrics(metrics),
            )
    raise AssertionError("watching ends with an error")
