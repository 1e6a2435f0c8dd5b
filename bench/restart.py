"""How long a worker with a lot of state takes to be ready again after a kill -9.

A worker takes in one open view per viewer, until all of it is durable; it is killed, and the time
is taken until its successor is ready and has restored all partitions.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from app.child_process import ChildProcess
from app.settings import Settings
from bench.load import CHUNK_RECORDS, Record, fill_topic
from bench.worker_process import Metrics, broker_with_topics, watch_metrics, worker_process
from models.errors import OperatorError
from models.timestamps import format_timestamp

POLL_SECONDS = 0.1
DEADLINE_SECONDS = 900.0
EVENTS_PER_VIEWER = 2
LOAD_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Restart:
    """One measurement.

    ``stored_mib`` is the size of the checkpoints, ``resident_mib`` that of the worker which wrote
    them; ``ready_seconds`` the time from the start of its successor to ready, the end of the killed
    worker's session included; ``restore_seconds`` that of the last restore of a partition.
    ``restored_events_per_second`` is how many events the state had been made of, per second to
    ready.
    """

    viewers: int
    stored_mib: float
    resident_mib: float
    ready_seconds: float
    restore_seconds: float
    restored_events_per_second: float
    longest_pause_ms: float


async def measure_restart(viewers: int, port: int) -> Restart:
    """Give a worker the views of ``viewers``, kill it, and time its successor.

    ``port`` and the one after it must be free on loopback.

    Raises:
        OperatorError: a worker ended by itself, or did not finish within fifteen minutes.
    """
    async with broker_with_topics(port) as (settings, environ):
        await fill_topic(settings, _views(viewers, time.time_ns() // 1_000_000))
        async with worker_process(environ) as worker:
            before = await _until_durable(worker, settings, viewers)
            os.kill(worker.pid, signal.SIGKILL)
            await worker.wait()
        async with worker_process(environ) as worker:
            ready_seconds, after = await _until_ready(worker, settings)
    if after["playvitals_open_views"] != viewers:
        raise OperatorError(f"{after['playvitals_open_views']:.0f} of {viewers} views came back")
    return Restart(
        viewers=viewers,
        stored_mib=round(before["playvitals_state_bytes"] / 2**20, 1),
        resident_mib=round(before["process_resident_memory_bytes"] / 2**20, 1),
        ready_seconds=round(ready_seconds, 2),
        restore_seconds=round(after["playvitals_restore_duration_seconds"], 2),
        restored_events_per_second=round(viewers * EVENTS_PER_VIEWER / ready_seconds, 1),
        longest_pause_ms=round(before["playvitals_checkpoint_pause_seconds"] * 1000, 1),
    )


def _views(viewers: int, end_ms: int) -> Iterator[list[Record]]:
    """A first frame and a position per viewer."""
    chunk: list[Record] = []
    for number in range(viewers):
        at_ms = end_ms - round(LOAD_SECONDS * 1000 * (1 - number / viewers))
        at = format_timestamp(at_ms)
        key = f"viewer-{number:08x}"
        common = f'"contentId":"clip-{number % 1000}","sessionId":"{key}","timestamp":"{at}"'
        for event, data in (
            ("playStart", f'{{"startupTime":{200 + number % 900},"rendition":"720p"}}'),
            ("watchProgress", f'{{"currentTime":{number % 20},"duration":30}}'),
        ):
            value = f'{{"event":"{event}","eventId":"{event}-{number}",{common},"data":{data}}}'
            chunk.append((key.encode(), value.encode(), at_ms))
        if len(chunk) >= CHUNK_RECORDS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _until_durable(worker: ChildProcess, settings: Settings, viewers: int) -> Metrics:
    counted_at = 0.0
    async for metrics in watch_metrics(worker, settings, POLL_SECONDS, DEADLINE_SECONDS):
        counted = metrics.get("playvitals_events_total", 0.0) >= viewers * EVENTS_PER_VIEWER
        if counted and not counted_at:
            counted_at = time.time()
        if counted_at and metrics.get("playvitals_checkpoint_timestamp_seconds", 0.0) > counted_at:
            return metrics
    raise AssertionError("watching ends with an error")


async def _until_ready(worker: ChildProcess, settings: Settings) -> tuple[float, Metrics]:
    """Seconds until the worker is ready, and its metrics then."""
    url = f"{settings.metrics_address.url}/readyz"
    started = time.monotonic()
    ready_seconds = 0.0
    async for metrics in watch_metrics(worker, settings, POLL_SECONDS, DEADLINE_SECONDS):
        if ready_seconds:
            return ready_seconds, metrics
        if metrics:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                if answer.status == HTTPStatus.OK:
                    ready_seconds = time.monotonic() - started
    raise AssertionError("watching ends with an error")
