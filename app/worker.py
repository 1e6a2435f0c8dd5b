"""The stream worker: the agents, the periodic work around them, its start and its end."""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from agents.checkpoints import Checkpointer
from agents.health import HealthReports
from agents.intake import Intake
from agents.outputs import KafkaOutputs
from agents.restoring import Ownership
from agents.windows import Windows
from app.catalogue import CatalogueReader, catalogue_reader
from app.group_member import GroupMember
from app.health_metrics import HealthMetrics
from app.kafka_writer import KafkaWriter
from app.log_reader import LogReader
from app.partitioner import partition_for
from app.pulse import Pulse
from app.settings import Settings
from app.stream_app import create_stream_app
from app.topics import ensure_topics
from app.watchdog import Watchdog
from app.worker_metrics import WorkerCollector
from app.worker_server import serve_worker
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tables.rules import PartitionRules

PERIOD_SECONDS = 1.0
STARTING_PERIOD_SECONDS = 0.1
SAVE_PERIOD_SECONDS = 0.2
LINGER_SECONDS = 0.02
WRITE_TIMEOUT_SECONDS = 60.0
LAST_CHECKPOINT_SECONDS = 5.0
STOP_SECONDS = 3.0

log = logging.getLogger(__name__)


class Worker:
    """One worker process: what it is made of, and how it starts and stops."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer = KafkaWriter(
            settings.bootstrap_servers,
            client_id="playvitals-worker",
            linger_seconds=LINGER_SECONDS,
            timeout_seconds=WRITE_TIMEOUT_SECONDS,
        )
        self._reader = LogReader(settings, settings.stall_seconds)
        member = self._member = GroupMember(settings, lambda: self._app, self._reader)
        outputs = KafkaOutputs(settings, self._writer, self._partition_of, self.fail)
        tick_ms = settings.tick_seconds * 1000
        counters = Counters()
        catalogue = self._catalogue = catalogue_reader(settings)
        self._intake = Intake(
            partition_rules(settings, catalogue),
            counters,
            outputs,
            self._partition_of,
            tick_ms,
            before_fold=None if catalogue is None else catalogue.settle,
        )
        self._windows = Windows(
            settings.windows,
            settings.grace_seconds,
            outputs,
            tick_ms,
            self._reader.published_windows,
        )
        self._checkpointer = Checkpointer(
            self._intake, outputs, member.commit, member.generation, settings.checkpoint_seconds
        )
        self._ownership = Ownership(
            self._intake,
            member,
            Origin(settings.topic("events.raw"), settings.partitions),
            member.open,
            self._guard,
        )
        self._pulse = Pulse(settings.session_timeout_seconds, member.generation, member.is_assigned)
        self._reports = HealthReports(self._intake, outputs, member.lag_of, self._pulse.is_current)
        self._watchdog = Watchdog(
            self._reader.raw_ends,
            self._next_offsets,
            lambda: not member.is_assigned(),
            self._preparing,
            settings.stall_seconds,
            settings.stall_seconds + settings.rebalance_timeout_seconds,
        )
        self._app = create_stream_app(
            settings,
            self._intake,
            self._windows,
            self._ownership,
            lambda: self._checkpointer.save_all(settings.rebalance_timeout_seconds / 2),
            self._guard,
        )
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        health = HealthMetrics(
            counters, self._intake, self._checkpointer, self._ownership, member.lag_of
        )
        self._registry.register(
            WorkerCollector(counters, self._intake, self._windows, health, self._pulse.is_current)
        )
        if catalogue is not None:
            self._registry.register(catalogue)

    def fail(self, error: BaseException) -> None:
        """Stop the worker: going on would lose or repeat something."""
        if not self._failure.done():
            self._failure.set_exception(error)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set or something fails.

        Raises:
            OperatorError: the metrics address is taken.
            Exception: whatever an agent or a write failed with.
        """
        server = await serve_worker(self._settings.metrics_address, self._registry, self._is_ready)
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._guard(self._pulse.keep()))]
        try:
            stopped = asyncio.create_task(stop.wait())
            tasks.append(stopped)
            if self._catalogue is not None:
                tasks.append(asyncio.create_task(self._guard(self._catalogue.run())))
                read = asyncio.create_task(self._catalogue.until_read())
                tasks.append(read)
                await self._until_one_of(read, stopped)
            if not stopped.done():
                await self._writer.start()
                await self._app.start()
                work = (self._work_periodically(), self._save_periodically(), self._watch())
                tasks += [asyncio.create_task(self._guard(job)) for job in work]
                await self._until_one_of(stopped)
            self._member.stop_consuming()
            await self._checkpointer.save_all(LAST_CHECKPOINT_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop(server)

    async def _until_one_of(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait for one of these.

        Raises:
            Exception: whatever the worker failed with meanwhile.
        """
        await asyncio.wait((*tasks, self._failure), return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            await self._failure

    def _is_ready(self) -> bool:
        """Whether partitions are assigned and every rolling figure is up to date."""
        return bool(
            (self._intake.partitions or self._windows.partitions)
            and self._member.is_assigned()
            and self._ownership.is_restored()
            and self._windows.is_ready()
        )

    def _preparing(self) -> object:
        """How far restoring and reading panes has come; None where nothing is left to do."""
        if self._ownership.is_restored() and self._windows.is_ready():
            return None
        merged = {p: m.next_offset for p, m in self._windows.partitions.items() if not m.ready}
        return set(self._intake.partitions), merged

    async def _guard(self, work: Awaitable[None]) -> None:
        """An agent or a task that ends with an error ends the worker: Faust would only log it."""
        try:
            await work
        except Exception as error:
            self.fail(error)
            raise

    async def _work_periodically(self) -> None:
        while True:
            await asyncio.sleep(PERIOD_SECONDS if self._is_ready() else STARTING_PERIOD_SECONDS)
            self._member.check()
            self._intake.publish_changes()
            self._reports.publish()
            self._windows.check_ready(partial(self._member.end_of, "panes"))
            await self._windows.publish()
            self._intake.write_due_ticks(lambda p, at: self._member.lag_of(p, at) == 0)

    async def _save_periodically(self) -> None:
        while True:
            await asyncio.sleep(SAVE_PERIOD_SECONDS)
            if self._member.is_assigned():
                await self._checkpointer.save_due()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._watchdog.period_seconds)
            await self._watchdog.look()

    def _next_offsets(self) -> dict[int, int]:
        return {
            partition: owned.state.upto + 1 for partition, owned in self._intake.partitions.items()
        }

    def _partition_of(self, key: bytes) -> int:
        return partition_for(key, self._settings.partitions)

    async def _stop(self, server: web.AppRunner) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        stops = (
            self._ownership.stop,
            self._app.stop,
            self._writer.stop,
            self._reader.stop,
            server.cleanup,
        )
        for stop in stops:
            try:
                await asyncio.wait_for(stop(), max(0.1, deadline - time.monotonic()))
            except (Exception, asyncio.CancelledError):
                # Cancelled is something within; the worker itself ends by a signal or an error.
                log.warning("The worker did not stop cleanly", exc_info=True)


def partition_rules(settings: Settings, catalogue: CatalogueReader | None = None) -> PartitionRules:
    """The settings that the state of a partition follows, and the contents, where they count."""
    return PartitionRules(
        topic=settings.topic("events.raw"),
        kept_ms=(settings.windows[-1].seconds + settings.grace_seconds) * 1000,
        timeout_ms=settings.view_timeout_seconds * 1000,
        straggler_ms=settings.straggler_seconds * 1000,
        open_views=settings.open_views,
        views_per_viewer=settings.views_per_viewer,
        dedupe_hours=settings.dedupe_hours,
        dimensions=settings.dimensions,
        catalogue=None if catalogue is None else catalogue.catalogue,
    )


async def run_worker(settings: Settings) -> None:
    """Run a worker until SIGINT or SIGTERM.

    Raises:
        OperatorError: the broker is unreachable, its topics do not fit, or a port is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await ensure_topics(settings)
    await Worker(settings).run(stop)
