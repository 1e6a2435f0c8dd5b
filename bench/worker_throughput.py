"""How many events per second one worker process handles, from the raw topic to its outputs.

The raw topic is filled first, so that the worker is never short of input; then the worker is
started as a user would start it, and its own counters and its CPU time are read while it works.
"""

import time
from dataclasses import dataclass

from app.child_process import ChildProcess
from app.settings import Settings
from bench.load import Load, fill_topic
from bench.sizing import WARM_UP_SECONDS, event_seconds
from bench.stretch import Look, Stretch
from bench.totals import Tally, Totals, require_equal, totals_of_metrics
from bench.worker_process import broker_with_topics, watch_metrics, worker_process
from models.errors import OperatorError

POLL_SECONDS = 1.0
SCRAPE_SECONDS = 5.0
"""In a measurement over minutes: as often as Prometheus does in `docker-compose.yml`."""
LONG_SECONDS = 60.0
_LEDGER = "playvitals_ledger_imbalance"
_PAUSE = "playvitals_checkpoint_pause_seconds"
DEADLINE_SECONDS = 600.0
"""For a load of a few million events; a longer one has as much longer."""
SLOW_EVENTS_PER_SECOND = 10_000
LOAD_SECONDS = 300.0
"""Event time that a load is spread over of which all is measured."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """One measurement. CPU time is of the worker process alone, in microseconds per event."""

    events: int
    seconds: float
    events_per_second: float
    slowest_stretch_events_per_second: float
    """Over the slowest ten seconds, or over all of a shorter measurement."""
    cpu_us_per_event: float
    longest_pause_ms: float
    """That taking a checkpoint kept everything else waiting, since the worker started."""
    resident_mib: float
    ledger_imbalance: float
    totals: Totals


async def measure_worker(
    events: int,
    seed: int,
    port: int,
    fold_records: int = 1000,
    checkpoint_seconds: int = 10,
    steady_seconds: float | None = None,
) -> Throughput:
    """Fill an empty raw topic with ``events`` and let one worker take them in.

    With ``steady_seconds``, what is measured is so long a time after a warm-up, or until all is
    done, and the load spans about as much event time as it takes, two minutes at least. Without,
    everything is measured. ``port`` and the one after it must be free on loopback.

    Raises:
        OperatorError: the worker ended, did not finish within ten minutes or at 10,000 events/s,
            took in too few events to tell, or counted something else than the load holds.
    """
    values = {
        "FOLD_RECORDS": str(fold_records),
        "CHECKPOINT_SECONDS": str(checkpoint_seconds),
    }
    spread = LOAD_SECONDS if steady_seconds is None else event_seconds(steady_seconds)
    stretch = Stretch() if steady_seconds is None else Stretch(WARM_UP_SECONDS, steady_seconds)
    async with broker_with_topics(port, **values) as (settings, environ):
        load = Load(events, spread, time.time_ns() // 1_000_000, seed)
        tally = Tally()
        await fill_topic(settings, tally.watch(load.chunks()))
        async with worker_process(environ) as worker:
            is_long = steady_seconds is not None and steady_seconds >= LONG_SECONDS
            poll_seconds = SCRAPE_SECONDS if is_long else POLL_SECONDS
            result = await _measure(worker, settings, events, stretch, poll_seconds)
    require_equal("the worker", result.totals, tally.totals)
    return result


async def _measure(
    worker: ChildProcess, settings: Settings, events: int, stretch: Stretch, poll_seconds: float
) -> Throughput:
    """Watch until all events are counted."""
    deadline_seconds = max(DEADLINE_SECONDS, events / SLOW_EVENTS_PER_SECOND)
    async for metrics in watch_metrics(worker, settings, poll_seconds, deadline_seconds):
        done = metrics.get("playvitals_events_total", 0.0)
        cpu_seconds = metrics.get("process_cpu_seconds_total", 0.0)
        if done:
            stretch.add(Look(time.monotonic(), done, cpu_seconds))
        if done >= events and _LEDGER in metrics:
            if not stretch.counted:
                raise OperatorError(f"{events} events were too few to measure: ask for more")
            rate = stretch.counted / stretch.seconds
            return Throughput(
                events=events,
                seconds=round(stretch.seconds, 2),
                events_per_second=round(rate, 1),
                slowest_stretch_events_per_second=round(min(rate, stretch.slowest or rate), 1),
                cpu_us_per_event=round(stretch.cpu_seconds / stretch.counted * 1e6, 3),
                longest_pause_ms=round(metrics[_PAUSE] * 1000, 1),
                resident_mib=round(metrics["process_resident_memory_bytes"] / 2**20, 1),
                ledger_imbalance=metrics[_LEDGER],
                totals=totals_of_metrics(metrics),
            )
    raise AssertionError("watching ends with an error")
