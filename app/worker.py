"""The stream worker: the agents, the periodic work around them, its start and its end."""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Mapping
from typing import Any

from aiohttp import web
from aiokafka.errors import KafkaError
from faust.types import TP
from prometheus_client import CollectorRegistry, ProcessCollector

from agents.checkpoints import Checkpointer
from agents.intake import Intake
from agents.outputs import KafkaOutputs
from agents.restoring import Ownership, RawBounds
from agents.windows import Windows
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
from models.errors import PlayvitalsError
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tables.partition import PartitionRules

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
        outputs = KafkaOutputs(settings, self._writer, self._partition_of, self.fail)
        tick_ms = settings.tick_seconds * 1000
        counters = Counters()
        self._intake = Intake(
            partition_rules(settings), counters, outputs, self._partition_of, tick_ms
        )
        self._windows = Windows(
            settings.windows,
            settings.grace_seconds,
            outputs,
            tick_ms,
            self._reader.published_windows,
        )
        self._checkpointer = Checkpointer(
            self._intake, outputs, self._commit, self._generation, settings.checkpoint_seconds
        )
        self._ownership = Ownership(
            self._intake,
            self,
            Origin(settings.topic("events.raw"), settings.partitions),
            self._open,
            self._guard,
        )
        self._pulse = Pulse(
            settings.session_timeout_seconds,
            self._generation,
            lambda: self._consumer.flow_active,
        )
        self._watchdog = Watchdog(
            self._reader.raw_ends,
            self._next_offsets,
            lambda: not self._consumer.flow_active,
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
            counters, self._intake, self._checkpointer, self._ownership, self._lag_of
        )
        self._registry.register(
            WorkerCollector(counters, self._intake, self._windows, health, self._pulse.is_current)
        )

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
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self._writer.start()
            await self._app.start()
            work = (self._work_periodically(), self._save_periodically(), self._watch())
            tasks = [asyncio.create_task(self._guard(job)) for job in work]
            stopped = asyncio.create_task(stop.wait())
            tasks.append(stopped)
            await asyncio.wait((stopped, self._failure), return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                await self._failure
            self._consumer.stop_flow()
            await self._checkpointer.save_all(LAST_CHECKPOINT_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop(server)

    def _is_ready(self) -> bool:
        """Whether partitions are assigned and every rolling figure is up to date."""
        return bool(
            (self._intake.partitions or self._windows.partitions)
            and self._consumer.flow_active
            and self._ownership.is_restored()
            and self._windows.is_ready()
        )

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
            self._pulse.beat()
            if self._app.crashed:
                # One of Faust's services ended; without it the worker would only look alive.
                raise PlayvitalsError(f"Faust crashed: {self._app.crash_reason!r}")
            self._check_group()
            self._intake.publish_changes()
            self._windows.check_ready(
                lambda partition: self._end_of(TP(self._settings.topic("panes"), partition))
            )
            await self._windows.publish()
            self._intake.write_due_ticks(lambda partition, at: self._lag_of(partition, at) == 0)

    def _check_group(self) -> None:
        try:
            self._consumer.check()
        except KafkaError as error:
            raise PlayvitalsError(
                f"the consumer group refused this worker: {error!r}; see whether the brokers allow "
                "PLAYVITALS_SESSION_TIMEOUT_SECONDS (group.min.session.timeout.ms) and the group"
            ) from error

    async def _save_periodically(self) -> None:
        while True:
            await asyncio.sleep(SAVE_PERIOD_SECONDS)
            if self._consumer.flow_active:
                await self._checkpointer.save_due()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._watchdog.period_seconds)
            await self._watchdog.look()

    async def state_records(self, partition: int) -> dict[bytes, bytes]:
        """What the ``state`` topic holds of a partition."""
        return await self._reader.state_records(partition)

    async def raw_bounds(self, partition: int) -> RawBounds:
        """What a raw partition holds."""
        return await self._reader.raw_bounds(partition)

    async def committed(self, partition: int) -> int | None:
        """The next offset that the group has committed for a raw partition."""
        offset: int | None = await self._consumer.committed_position(self._raw(partition))
        return offset

    async def _commit(self, offsets: Mapping[int, int], generation: int) -> None:
        positions = {self._raw(partition): at for partition, at in offsets.items()}
        await self._consumer.commit_positions(positions, generation)

    async def _open(self, partition: int) -> None:
        await self._consumer.open(self._raw(partition))

    def _generation(self) -> int:
        return self._app.consumer_generation_id

    def _next_offsets(self) -> dict[int, int]:
        return {
            partition: owned.state.upto + 1 for partition, owned in self._intake.partitions.items()
        }

    def _raw(self, partition: int) -> TP:
        return TP(self._settings.topic("events.raw"), partition)

    @property
    def _consumer(self) -> Any:
        # Faust types its consumer by a protocol that leaves out what is needed here.
        return self._app.consumer

    def _partition_of(self, key: bytes) -> int:
        return partition_for(key, self._settings.partitions)

    def _lag_of(self, partition: int, next_offset: int) -> int | None:
        end = self._end_of(self._raw(partition))
        return None if end is None else max(0, end - next_offset)

    def _end_of(self, tp: TP) -> int | None:
        """The high watermark of the last fetch response; None until there was one."""
        if tp not in self._consumer.assignment():
            return None
        end: int | None = self._consumer.highwater(tp)
        return end

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
            except Exception:
                log.warning("The worker did not stop cleanly", exc_info=True)


def partition_rules(settings: Settings) -> PartitionRules:
    """The settings that the state of a partition follows."""
    return PartitionRules(
        topic=settings.topic("events.raw"),
        kept_ms=(settings.windows[-1].seconds + settings.grace_seconds) * 1000,
        timeout_ms=settings.view_timeout_seconds * 1000,
        straggler_ms=settings.straggler_seconds * 1000,
        dedupe_hours=settings.dedupe_hours,
        dimensions=settings.dimensions,
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
