"""How many events per second one API process takes in, acknowledged by the broker.

Broker, API and load share the machine, and where it has few cores the API does not get a whole one:
so its own CPU time per event is measured beside the rate, and what a core of its own would take.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from app.child_process import ChildProcess
from app.settings import Settings
from bench.worker_process import Environ, broker_with_topics, metrics_of
from models.errors import OperatorError

KEY = "pk_test_bench"
READY_SECONDS = 30.0
WARM_UP_SECONDS = 2.0
_STOP_SECONDS = 10.0
_CPU = "process_cpu_seconds_total"


@dataclass(frozen=True, slots=True)
class ApiThroughput:
    """One measurement. CPU time is of the API process alone; latencies are the client's."""

    batch_events: int
    events_per_second: float
    cpu_us_per_event: float
    core_share: float
    """Of one core, that the API used."""
    load_core_share: float
    """Of one core, that the load generator used: near 1 it would be what limits the rate."""
    p50_ms: float
    p99_ms: float
    refused_requests: int


@asynccontextmanager
async def api_process(port: int) -> AsyncIterator[tuple[Settings, ChildProcess]]:
    """An API on a broker of its own, at ``port``; it listens at the port after it."""
    values = {
        "API_ADDRESS": f"127.0.0.1:{port + 1}",
        "ENVIRONMENT": "test",
        "API_KEYS": KEY,
        "RATE_LIMIT_PER_MINUTE": "1000000000",
    }
    async with broker_with_topics(port, **values) as (settings, environ):
        api = await _start(environ)
        try:
            await _until_ready(api, settings)
            yield settings, api
        finally:
            await api.stop(_STOP_SECONDS)


async def measure_api(
    settings: Settings, batch: int, seconds: float, *, events_per_second: float = 0.0
) -> ApiThroughput:
    """Send batches for so long, as fast as they are answered or at a rate of events.

    Raises:
        OperatorError: nothing was answered.
    """
    await _send(settings, batch, WARM_UP_SECONDS, events_per_second)
    before = await metrics_of(settings.api_address.url)
    report = await _send(settings, batch, seconds, events_per_second)
    after = await metrics_of(settings.api_address.url)
    events = after["playvitals_api_events_total"] - before["playvitals_api_events_total"]
    if not events or not report["requests"]:
        raise OperatorError(f"the API took no event; {report['refused']} requests were refused")
    cpu = after[_CPU] - before[_CPU]
    return ApiThroughput(
        batch_events=batch,
        events_per_second=round(report["requests"] * batch / report["seconds"], 1),
        cpu_us_per_event=round(cpu / events * 1e6, 3),
        core_share=round(cpu / report["seconds"], 3),
        load_core_share=round(report["own_cpu_seconds"] / report["seconds"], 3),
        p50_ms=report["p50_ms"],
        p99_ms=report["p99_ms"],
        refused_requests=report["refused"],
    )


async def measure_api_levels(port: int, seconds: float) -> dict[str, ApiThroughput]:
    """Batches of 10 and 100 as fast as they are answered, and of 10 at half that rate."""
    async with api_process(port) as (settings, _):
        tens = await measure_api(settings, 10, seconds)
        hundreds = await measure_api(settings, 100, seconds)
        half = tens.events_per_second / 2
        return {
            "batches_of_10": tens,
            "batches_of_100": hundreds,
            "batches_of_10_at_half": await measure_api(
                settings, 10, seconds, events_per_second=half
            ),
        }


async def _start(environ: Environ) -> ChildProcess:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PLAYVITALS_")}
    command = (sys.executable, "-P", "-m", "app.cli", "api")
    return await ChildProcess.start("api", command, {**inherited, **environ}, sys.stderr)


async def _until_ready(api: ChildProcess, settings: Settings) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while not await metrics_of(settings.api_address.url):
            if not api.running:
                raise OperatorError(f"the API ended: {api.last_line}")
            await asyncio.sleep(0.1)


async def _send(
    settings: Settings, batch: int, seconds: float, events_per_second: float
) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.http_load", str(settings.api_address), "--key", KEY),
        *("--batch", str(batch), "--seconds", str(seconds)),
        *("--rate", str(events_per_second / batch)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise OperatorError("the load generator failed; see its message above")
    found: dict[str, Any] = msgspec.json.decode(output)
    return found
