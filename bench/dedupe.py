"""How much memory and time remembering event ids takes, each measured in a process of its own."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.fresh_process import in_fresh_process, resident_and_peak_bytes
from tables.dedupe import HOUR_MS, Dedupe

HOURS = 24
FOLD_RECORDS = 1000
DUPLICATE_SHARE = 0.1
"""So many of the events repeat an id, from any time since the first one."""
CHECKPOINT_IDS = 1_200_000
"""New ids between two checkpoints: those of 10 s at 120,000 events/s."""
PIECES = HOURS * 360
"""A restored partition has one piece of ids per checkpoint, every 10 s."""

_START_MS = 490_000 * HOUR_MS
_SPAN_MS = HOURS * HOUR_MS
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Filled:
    """Ids taken in at an even pace over 24 hours, with duplicates between them.

    Memory is what the process grew by since it had its code loaded. Times are of
    :meth:`Dedupe.recall` and :meth:`Dedupe.add` together, in microseconds per event.
    """

    ids: int
    events: int
    bytes_per_id: float
    peak_bytes_per_id: float
    us_per_event: float
    """Over the last tenth of the folds, when most ids are held."""
    mean_us_per_event: float
    longest_pause_ms: float
    """The longest single recall."""


@dataclass(frozen=True, slots=True)
class Restored:
    """Ids loaded piece by piece, partitions by turns, up to the end of each one's first recall."""

    restored_ids: int
    restored_pieces: int
    restore_seconds: float
    restore_peak_bytes_per_id: float
    """Growth of resident memory at its highest."""


def measure_filling(ids: int, partitions: int) -> Filled:
    """Let fresh objects, one per partition, take in ``ids`` new ids between them.

    Raises:
        RuntimeError: a new id was taken for known, or a known one for new.
    """
    return in_fresh_process(_fill, ids, partitions)


def measure_restore(ids: int, partitions: int) -> Restored:
    """Load ``ids`` ids into fresh objects, one per partition.

    Raises:
        RuntimeError: another number of ids is remembered.
    """
    return in_fresh_process(_restore, ids, partitions)


def rows_of_ids(filled: Filled, restored: Restored) -> list[tuple[str, str]]:
    """What was measured in words, and the figure."""
    return [
        ("bytes per id", f"{filled.bytes_per_id:.1f}"),
        ("bytes per id at the peak", f"{filled.peak_bytes_per_id:.1f}"),
        ("bytes per id at the peak of restoring", f"{restored.restore_peak_bytes_per_id:.1f}"),
        ("us per event with all of them", f"{filled.us_per_event:.2f}"),
        ("us per event on the way there", f"{filled.mean_us_per_event:.2f}"),
        ("longest pause, ms", f"{filled.longest_pause_ms:.0f}"),
        (f"s to restore {restored.restored_ids:,}", f"{restored.restore_seconds:.2f}"),
    ]


def digests(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Another 64-bit hash for each number, evenly spread (the mixer of SplitMix64)."""
    z = numbers * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class _Stream:
    """The events of one partition: ``ids`` new ids in order, and repetitions of earlier ones."""

    def __init__(self, partition: int, ids: int) -> None:
        self._rng = np.random.default_rng(partition)
        self._first = partition << 40
        self._ids = ids

    def folds(self) -> Iterator[tuple[int, list[int], list[bool]]]:
        """Server time, hashes, and which of them are new."""
        seen = 0
        while seen < self._ids:
            is_new = self._rng.random(FOLD_RECORDS) >= DUPLICATE_SHARE
            is_new[0] |= not seen
            seen_before = np.minimum(seen + np.cumsum(is_new) - is_new, self._ids)
            is_new &= seen_before < self._ids
            earlier = (self._rng.random(FOLD_RECORDS) * seen_before).astype(np.int64)
            numbers = np.where(is_new, seen_before, earlier) + self._first
            clock_ms = _START_MS + _SPAN_MS * seen // self._ids
            yield clock_ms, digests(numbers.astype(np.uint64)).tolist(), is_new.tolist()
            seen += int(is_new.sum())


def _fill(ids: int, partitions: int) -> Filled:
    shares = _shares(ids, partitions)
    sources = [_Stream(number, share).folds() for number, share in enumerate(shares)]
    objects = [Dedupe(HOURS) for _ in sources]
    resident_before, _ = resident_and_peak_bytes()
    fold_seconds: list[float] = []
    longest_seconds = 0.0
    uncut = [0] * partitions
    for place, (clock_ms, hashes, is_new) in _in_turn(sources):
        dedupe = objects[place]
        started = time.perf_counter()
        dedupe.forget_before(clock_ms)
        dedupe.tidy()
        recalled = dedupe.recall(hashes)
        recall_ended = time.perf_counter()
        added = [dedupe.add(digest, clock_ms, recalled) for digest in hashes]
        fold_seconds.append(time.perf_counter() - started)
        longest_seconds = max(longest_seconds, recall_ended - started)
        if added != is_new:
            raise RuntimeError("a new id was taken for known, or a known one for new")
        uncut[place] += sum(added)
        if uncut[place] * partitions >= CHECKPOINT_IDS:
            dedupe.cut()
            dedupe.confirm()
            uncut[place] = 0
    resident, peak = resident_and_peak_bytes()
    if sum(map(len, objects)) != ids:
        raise RuntimeError("not every id is remembered")
    last = fold_seconds[-max(1, len(fold_seconds) // 10) :]
    return Filled(
        ids=ids,
        events=len(fold_seconds) * FOLD_RECORDS,
        bytes_per_id=round((resident - resident_before) / ids, 2),
        peak_bytes_per_id=round((peak - resident_before) / ids, 2),
        us_per_event=round(sum(last) / len(last) / FOLD_RECORDS * 1e6, 3),
        mean_us_per_event=round(sum(fold_seconds) / len(fold_seconds) / FOLD_RECORDS * 1e6, 3),
        longest_pause_ms=round(longest_seconds * 1000, 1),
    )


def _restore(ids: int, partitions: int) -> Restored:
    sources = [_pieces(number, share) for number, share in enumerate(_shares(ids, partitions))]
    objects = [Dedupe(HOURS) for _ in sources]
    resident_before, _ = resident_and_peak_bytes()
    seconds = 0.0
    for place, (hour, piece) in _in_turn(sources):
        started = time.perf_counter()
        objects[place].load(hour, piece)
        seconds += time.perf_counter() - started
    started = time.perf_counter()
    for dedupe in objects:
        dedupe.tidy()
    seconds += time.perf_counter() - started
    _, peak = resident_and_peak_bytes()
    if sum(map(len, objects)) != ids:
        raise RuntimeError("not every id is remembered")
    return Restored(
        restored_ids=ids,
        restored_pieces=PIECES * partitions,
        restore_seconds=round(seconds, 3),
        restore_peak_bytes_per_id=round((peak - resident_before) / ids, 2),
    )


def _pieces(partition: int, ids: int) -> Iterator[tuple[int, bytes]]:
    """What one partition's checkpoints of 24 hours leave: hour and ids."""
    first = partition << 40
    for number in range(PIECES):
        start, end = (ids * place // PIECES for place in (number, number + 1))
        piece = digests(np.arange(first + start, first + end, dtype=np.uint64))
        yield _START_MS // HOUR_MS + number * HOURS // PIECES, piece.tobytes()


def _shares(ids: int, partitions: int) -> list[int]:
    return [(ids + number) // partitions for number in range(partitions)]


def _in_turn(sources: list[Iterator[_T]]) -> Iterator[tuple[int, _T]]:
    """The next item of each source with its place, over and over until all are at their end."""
    left = dict(enumerate(sources))
    while left:
        for place, source in list(left.items()):
            try:
                yield place, next(source)
            except StopIteration:
                del left[place]
