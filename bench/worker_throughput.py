"""How many events per second one worker process handles, from the raw topic to its outputs.

The raw topic is filled first, so that the worker is never short of input; then the worker is
started as a user would start it, and its own counters and its CPU time are read while it works.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from app.child_process import ChildProcess
from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.settings import Settings, load_settings
from app.topics import ensure_topics
from bench.load import Load, fill_topic
from models.errors import OperatorError

POLL_SECONDS = 1.0
DEADLINE_SECONDS = 600.0
LOAD_SECONDS = 300.0
"""Event time that the load is spread over."""

_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """One measurement. CPU time is of the worker process alone, in microseconds per event."""

    events: int
    seconds: float
    events_per_second: float
    cpu_us_per_event: float
    resident_mib: float
    ledger_imbalance: float


async def measure_worker(events: int, seed: int, port: int, fold_records: int) -> Throughput:
    """Fill a fresh embedded broker with ``events`` and let one worker take them in.

    ``port`` and the one after it must be free on loopback.

    Raises:
        OperatorError: the worker ended, or did not finish within ten minutes.
    """
    environ = {
        "PLAYVITALS_EMBEDDED_KAFKA_ADDRESS": f"127.0.0.1:{port}",
        "PLAYVITALS_METRICS_ADDRESS": f"127.0.0.1:{port + 1}",
        "PLAYVITALS_FOLD_RECORDS": str(fold_records),
    }
    settings = load_settings(environ)
    broker = await start_embedded_broker(settings.embedded_kafka_address)
    try:
        await ensure_topics(settings)
        load = Load(events, LOAD_SECONDS, time.time_ns() // 1_000_000, seed)
        await fill_topic(settings, load.chunks())
        async with _worker_process(environ) as worker:
            return await _watch(worker, settings, events)
    finally:
        await stop_embedded_broker(broker)


@asynccontextmanager
async def _worker_process(environ: Mapping[str, str]) -> AsyncIterator[ChildProcess]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PLAYVITALS_")}
    command = (sys.executable, "-P", "-m", "app.cli", "worker")
    worker = await ChildProcess.start("worker", command, {**inherited, **environ}, sys.stderr)
    try:
        yield worker
    finally:
        await worker.stop(_STOP_SECONDS)


async def _watch(worker: ChildProcess, settings: Settings, events: int) -> Throughput:
    """Measure between the first scrape with events and the first with all of them."""
    url = f"{settings.metrics_address.url}/metrics"
    deadline = time.monotonic() + DEADLINE_SECONDS
    first: tuple[float, float, float] | None = None
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            if not worker.running:
                raise OperatorError(f"the worker ended: {worker.last_line}")
            metrics = await _scrape(session, url)
            done = metrics.get("playvitals_events_total", 0.0)
            now = (time.monotonic(), done, metrics.get("process_cpu_seconds_total", 0.0))
            if first is None and done:
                first = now
            elif first is not None and done >= events:
                seconds, counted = now[0] - first[0], done - first[1]
                return Throughput(
                    events=events,
                    seconds=round(seconds, 2),
                    events_per_second=round(counted / seconds, 1),
                    cpu_us_per_event=round((now[2] - first[2]) / counted * 1e6, 3),
                    resident_mib=round(metrics["process_resident_memory_bytes"] / 2**20, 1),
                    ledger_imbalance=metrics["playvitals_ledger_imbalance"],
                )
            await asyncio.sleep(POLL_SECONDS)
    raise OperatorError(f"the worker did not take in {events} events in {DEADLINE_SECONDS:.0f} s")


async def _scrape(session: aiohttp.ClientSession, url: str) -> dict[str, float]:
    """The metrics summed over their labels; empty while the worker does not answer yet."""
    try:
        async with session.get(url) as response:
            text = await response.text()
    except aiohttp.ClientConnectionError:
        return {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums
