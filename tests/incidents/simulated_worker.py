"""A worker without a broker, in simulated time: events in, what its /metrics would say out."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from prometheus_client.samples import Sample

from agents.checkpoints import Checkpointer
from agents.intake import Intake
from agents.restoring import Ownership
from agents.windows import Windows
from app.health_metrics import HealthMetrics
from app.settings import load_settings
from app.viewers.incidents import Incident
from app.viewers.model import audience_events
from app.worker import partition_rules
from app.worker_metrics import WorkerCollector
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tests.support.core import T0, FakeRecord, Remembered

SERVER_DELAY_MS = 2_000
"""From an event to its receipt: players send in batches every few seconds."""


class SimulatedWorker:
    """One worker, fed by the demo's viewers through the first of its partitions."""

    def __init__(self, partitions: int = 1) -> None:
        self._now_ms = T0
        self._outputs = _Outputs(self)
        self._counters = Counters()
        settings = load_settings({"PLAYVITALS_PARTITIONS": str(partitions)})
        self._intake = Intake(
            partition_rules(settings),
            self._counters,
            self._outputs,
            lambda _: 0,
            settings.tick_seconds * 1000,
            lambda: self._now_ms,
        )
        origin = Origin("playvitals.events.raw", partitions)
        for partition in range(partitions):
            self._intake.partitions[partition] = self._intake.new_partition(partition, origin)
        self.windows = Windows(
            settings.windows,
            settings.grace_seconds,
            self._outputs,
            settings.tick_seconds * 1000,
            self._no_keys,
            lambda: self._now_ms,
        )
        self.windows.assign([0])
        self.windows.check_ready(lambda _: 0)
        unused: Any = None
        checkpointer = Checkpointer(self._intake, unused, unused, lambda: 1, 10.0)
        ownership = Ownership(self._intake, unused, origin, unused, unused)
        health = HealthMetrics(self._counters, self._intake, checkpointer, ownership, lambda *_: 0)
        self._collector = WorkerCollector(
            self._counters, self._intake, self.windows, health, lambda: True
        )
        self._offset = 0

    def play(
        self, seconds: float, step_seconds: float, viewers: int, incident: Incident | None
    ) -> Iterator[list[Sample]]:
        """Let ``viewers`` watch for ``seconds``; what a scrape finds after each step."""
        step_ms = round(step_seconds * 1000)
        next_ms = T0 + step_ms
        fold: list[FakeRecord] = []
        for offset_ms, event in audience_events(1, viewers, T0, incident=incident):
            at_ms = T0 + offset_ms + SERVER_DELAY_MS
            while at_ms >= next_ms:
                yield self.scrape(fold, next_ms)
                fold = []
                next_ms += step_ms
                if next_ms > T0 + seconds * 1000:
                    return
            fold.append(FakeRecord(self._offset, at_ms, msgspec.json.encode(event)))
            self._offset += 1

    def scrape(self, fold: list[FakeRecord], now_ms: int) -> list[Sample]:
        """What a scrape finds at ``now_ms``, after these records."""
        self._now_ms = now_ms
        if fold:
            self._intake.apply(0, fold)
        self._intake.publish_changes()
        # Nothing is made durable here, so nothing can be said of it.
        return [s for s in self.samples() if not s.name.startswith("playvitals_checkpoint")]

    def samples(self) -> list[Sample]:
        """Everything that the worker exports of itself."""
        return [sample for family in self._collector.collect() for sample in family.samples]

    @staticmethod
    async def _no_keys() -> Iterable[str]:
        return ()


class _Outputs(Remembered):
    """What is published of panes goes to the windows at once; the rest is kept."""

    def __init__(self, worker: SimulatedWorker) -> None:
        super().__init__()
        self._worker = worker
        self._published = 0

    def partial(self, dimension: str, value: bytes) -> None:
        record = FakeRecord(self._published, T0, value)
        self._published += 1
        self._worker.windows.apply(0, [record])

    def window(self, key: str, value: bytes | None, clock_ms: int) -> None:
        return

    def tick(self, partition: int, header: str, clock_ms: int) -> None:
        return

    async def wait_room(self) -> None:
        return
