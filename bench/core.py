"""What one partition's state costs per event: no broker, no network, nothing is written."""

import gc
import time
from dataclasses import dataclass
from typing import NamedTuple

from app.partitioner import partition_for
from bench.load import Load
from models.dimensions import DIMENSIONS
from tables.counters import Counters
from tables.partition import PartitionState
from tables.rules import PartitionRules

FOLD_RECORDS = 1000

_SPAN_SECONDS = 120.0
_END_MS = 1_767_322_800_000
_MINUTE_MS = 60_000
_PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class CoreCost:
    """CPU time per event in microseconds, the least of some rounds, and what was left behind."""

    cpu_us_per_event: float
    open_views: int
    publications: int


def _partition_of(key: bytes) -> int:
    return partition_for(key, _PARTITIONS)


class _Record(NamedTuple):
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class _Discarded:
    """Outputs that go nowhere; publications about contents are counted."""

    def __init__(self) -> None:
        self.publications = 0

    def accepted(self, *_: object) -> None: ...

    def rejected(self, *_: object) -> None: ...

    def view(self, *_: object) -> None: ...

    def contents(self, *_: object) -> None:
        self.publications += 1


def measure_core(events: int, seed: int, rounds: int) -> CoreCost:
    """Take ``events`` generated events of two minutes into one partition, ``rounds`` times."""
    chunks = Load(events, _SPAN_SECONDS, _END_MS, seed).chunks()
    pairs = ((key, value, at_ms) for chunk in chunks for key, value, at_ms in chunk)
    records = [_Record(n, at_ms, key, value) for n, (key, value, at_ms) in enumerate(pairs)]
    return min((_measure(records) for _ in range(rounds)), key=lambda cost: cost.cpu_us_per_event)


def _measure(records: list[_Record]) -> CoreCost:
    rules = PartitionRules(
        topic="events.raw",
        kept_ms=61 * _MINUTE_MS,
        timeout_ms=15 * _MINUTE_MS,
        straggler_ms=30_000,
        open_views=len(records),
        views_per_viewer=1_000,
        dedupe_hours=24,
        dimensions=DIMENSIONS,
    )
    outputs = _Discarded()
    state = PartitionState(0, rules, Counters(), outputs, _partition_of)
    gc.collect()
    gc.disable()
    started = time.process_time()
    for at in range(0, len(records), FOLD_RECORDS):
        state.apply(records[at : at + FOLD_RECORDS])
    seconds = time.process_time() - started
    gc.enable()
    return CoreCost(
        round(seconds / len(records) * 1e6, 3), state.views.open_views, outputs.publications
    )
