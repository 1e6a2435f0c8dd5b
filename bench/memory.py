"""How many bytes a worker holds per open view, content and slice; `bench.dedupe` has event ids.

Each subject is held twice, few and many of it, in processes of their own that do otherwise the
same; the bytes of one are the difference in resident memory over the difference in number. So what
the process needs anyway, and what the measurement itself leaves behind, is in neither.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from app.partitioner import partition_for
from bench.crowd import START_MS, Crowd
from bench.fresh_process import in_fresh_process, resident_and_peak_bytes
from bench.partition import PARTITIONS, BenchPartition
from models.content_figures import PLAYS
from tables.content_gains import ContentGains

FEW_SHARE = 0.1
"""Of what the side with many holds, the side with few has so much."""
FEW_VALUES = 5
MANY_VALUES = 50
SLICE_SESSIONS = 2_000
SLICE_EVENTS = 200_000
"""Of so many viewers these span five minutes: thirty panes."""
_VALUES = 3
_CONTENTS = 1_000


@dataclass(frozen=True, slots=True)
class Held:
    """How many of a subject a process holds, and by how much it grew with them."""

    number: int
    grown_bytes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of resident memory for one of each."""

    per_view: float
    """One open view with its viewer and, until they expire, the ids of its two events."""
    per_content: float
    """A content that gained something since the last publication about contents."""
    per_slice: float
    """One value of one dimension in one pane, in the partition's state."""


def measure_memory(views: int, contents: int) -> Memory:
    """Hold so many of each, and a tenth of it."""
    return Memory(
        per_view=_per_piece(_views, round(views * FEW_SHARE), views),
        per_content=_per_piece(_contents, round(contents * FEW_SHARE), contents),
        per_slice=_per_piece(_slices, FEW_VALUES, MANY_VALUES),
    )


def per_piece(few: Held, many: Held) -> float:
    """The bytes of one of a subject."""
    return round((many.grown_bytes - few.grown_bytes) / (many.number - few.number), 1)


def _per_piece(hold: Callable[[int], Held], few: int, many: int) -> float:
    return per_piece(in_fresh_process(hold, few), in_fresh_process(hold, many))


def _views(sessions: int) -> Held:
    partition, before = BenchPartition(), _resident_bytes()
    _open_all(partition, Crowd(sessions, _CONTENTS, _VALUES))
    return Held(partition.owned.state.views.open_views, _resident_bytes() - before)


def _slices(values: int) -> Held:
    partition, before = BenchPartition(), _resident_bytes()
    crowd = Crowd(SLICE_SESSIONS, _CONTENTS, values)
    _open_all(partition, crowd)
    for _ in range(0, SLICE_EVENTS, SLICE_SESSIONS):
        partition.take_in(crowd.events(SLICE_SESSIONS))
        partition.outputs.forget()
    grown = _resident_bytes() - before
    panes = [msgspec.msgpack.decode(totals) for _, totals in partition.owned.state.panes.cut()]
    return Held(sum(len(of_one) for pane in panes for of_one in pane.values()), grown)


def _contents(number: int) -> Held:
    gained, before = ContentGains(0, _partition_of, lambda *_: None), _resident_bytes()
    for content in range(number):
        gained.of(f"clip-{content:07d}", START_MS).sums[PLAYS] += 1
    return Held(gained.pending, _resident_bytes() - before)


def _open_all(partition: BenchPartition, crowd: Crowd) -> None:
    """Open a view per viewer; ids lie as after a checkpoint, and nothing published is kept."""
    dedupe = partition.owned.state.dedupe
    for records in crowd.opening():
        partition.take_in(records)
        partition.outputs.forget()
        dedupe.cut()
        dedupe.confirm()


def _resident_bytes() -> int:
    gc.collect()
    resident, _ = resident_and_peak_bytes()
    return resident


def _partition_of(key: bytes) -> int:
    return partition_for(key, PARTITIONS)
