"""A broker and worker processes for benchmarks, and what processes say of themselves."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from app.child_process import ChildProcess
from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.settings import Settings, load_settings
from app.topics import ensure_topics
from models.errors import OperatorError

_STOP_SECONDS = 10.0

Environ = Mapping[str, str]
Metrics = Mapping[str, float]


@asynccontextmanager
async def broker_with_topics(port: int, **values: str) -> AsyncIterator[tuple[Settings, Environ]]:
    """The settings of a deployment of its own, with empty topics.

    On the Kafka of PLAYVITALS_KAFKA, under a prefix of its own, or else on an embedded broker at
    ``port``; the worker's metrics are at the port after it. ``NAME=value`` sets PLAYVITALS_NAME.
    """
    kafka = os.environ.get("PLAYVITALS_KAFKA")
    own = {
        "EMBEDDED_KAFKA_ADDRESS": f"127.0.0.1:{port}",
        "METRICS_ADDRESS": f"127.0.0.1:{port + 1}",
        "TOPIC_PREFIX": f"bench.{time.time_ns()}.",
        **({"KAFKA": kafka} if kafka else {}),
        **values,
    }
    environ = {f"PLAYVITALS_{name}": value for name, value in own.items()}
    settings = load_settings(environ)
    if kafka:
        await ensure_topics(settings)
        yield settings, environ
        return
    broker = await start_embedded_broker(settings.embedded_kafka_address)
    try:
        await ensure_topics(settings)
        yield settings, environ
    finally:
        await stop_embedded_broker(broker)


@asynccontextmanager
async def worker_process(environ: Environ) -> AsyncIterator[ChildProcess]:
    """A worker started as a user would start it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PLAYVITALS_")}
    command = (sys.executable, "-P", "-m", "app.cli", "worker")
    worker = await ChildProcess.start("worker", command, {**inherited, **environ}, sys.stderr)
    try:
        yield worker
    finally:
        await worker.stop(_STOP_SECONDS)


async def watch_metrics(
    worker: ChildProcess, settings: Settings, poll_seconds: float, deadline_seconds: float
) -> AsyncIterator[Metrics]:
    """The worker's metrics, each summed over its labels, over and over.

    What has outcomes is also there as ``name/outcome``.

    Raises:
        OperatorError: the worker ended, or the deadline has passed.
    """
    url = f"{settings.metrics_address.url}/metrics"
    deadline = time.monotonic() + deadline_seconds
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            if not worker.running:
                raise OperatorError(f"the worker ended: {worker.last_line}")
            yield await _scrape(session, url)
            await asyncio.sleep(poll_seconds)
    raise OperatorError(f"the worker did not finish within {deadline_seconds:.0f} s")


async def metrics_of(url: str) -> Metrics:
    """The metrics of a process at ``url``, each summed over its labels; none if it is away."""
    async with aiohttp.ClientSession() as session:
        return await _scrape(session, f"{url}/metrics")


async def _scrape(session: aiohttp.ClientSession, url: str) -> Metrics:
    """The metrics of this moment; none while the worker does not answer yet."""
    try:
        async with session.get(url) as response:
            text = await response.text()
    except aiohttp.ClientConnectionError:
        return {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
            if outcome := sample.labels.get("outcome"):
                name = f"{sample.name}/{outcome}"
                sums[name] = sums.get(name, 0.0) + sample.value
    return sums
