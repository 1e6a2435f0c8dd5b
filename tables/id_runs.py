"""Sorted runs of event ids: 9 bytes per id, searched for many ids at a time."""

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]
"""64-bit hashes of event ids."""
Hours = NDArray[np.int64]
"""Hours since 1970."""
_Offsets = NDArray[np.unsignedinteger[Any]]
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


@dataclass(frozen=True, slots=True, eq=False)
class IdRun:
    """Different ids in ascending order, each with the hour it was first seen in.

    Immutable: what changes a run returns another one. An hour is kept as its distance from
    ``first_hour``, in one byte as long as the hours of a run are within 255 of each other.
    """

    ids: Ids
    offsets: _Offsets
    """Hours after ``first_hour``."""
    first_hour: int
    """No id is older than this hour, counted from 1970."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Bytes that the ids and their hours take."""
        return self.ids.nbytes + self.offsets.nbytes

    def find(self, wanted: Ids, found: dict[int, int]) -> None:
        """Add those of ``wanted`` that are in the run, with their hours, to ``found``.

        Fast where ``wanted`` is in ascending order.
        """
        if not len(self.ids):
            return
        places = self.ids.searchsorted(wanted)
        hits = (self.ids.take(places, mode="clip") == wanted).nonzero()[0]
        if len(hits):
            offsets = self.offsets.take(places.take(hits)).tolist()
            hours = [self.first_hour + offset for offset in offsets]
            found.update(zip(wanted.take(hits).tolist(), hours, strict=True))

    def seen_in(self, hour: int) -> Ids:
        """The ids of one hour, in ascending order."""
        ids: Ids = self.ids[self.offsets == hour - self.first_hour]
        return ids

    def count_by_hour(self) -> dict[int, int]:
        """How many ids each hour has."""
        counts = np.bincount(self.offsets).tolist()
        return {self.first_hour + offset: n for offset, n in enumerate(counts) if n}

    def since(self, oldest_hour: int) -> "IdRun":
        """The ids seen in ``oldest_hour`` or later."""
        if self.first_hour >= oldest_hour:
            return self
        kept = self.offsets >= oldest_hour - self.first_hour
        return _compact(self.ids[kept], self.offsets[kept], self.first_hour)

    def between(self, low: int, high: int) -> "IdRun":
        """The ids from ``low`` up to, but without, ``high``: a view, not a copy."""
        start, end = (
            len(self) if bound >> 64 else int(self.ids.searchsorted(np.uint64(bound)))
            for bound in (low, high)
        )
        return IdRun(self.ids[start:end], self.offsets[start:end], self.first_hour)

    def merged(self, other: "IdRun") -> "IdRun":
        """The ids of both; of an id that is in both, the newer hour.

        Both are read once; fast where ``other`` is the shorter one.
        """
        if not len(other):
            return self
        if not len(self):
            return _compact(other.ids, other.offsets, other.first_hour)
        first_hour = min(self.first_hour, other.first_hour)
        span = max(run.first_hour + int(run.offsets.max()) for run in (self, other)) - first_hour
        if not span:
            merged = _blocks(len(self) + len(other), np.dtype(np.uint8), first_hour)
            merged.ids[: len(self)], merged.ids[len(self) :] = self.ids, other.ids
            # A stable sort takes two sorted runs as such, and merges them.
            merged.ids.sort(kind="stable")
            if (merged.ids[1:] != merged.ids[:-1]).all():
                return merged
        mine, others = (_rebased(run, first_hour, span) for run in (self, other))
        ids = other.ids
        places = self.ids.searchsorted(ids)
        in_both = self.ids.take(places, mode="clip") == ids
        if in_both.any():
            shared = places[in_both]
            mine = mine.copy()
            mine[shared] = np.maximum(mine[shared], others[in_both])
            ids, others, places = ids[~in_both], others[~in_both], places[~in_both]
        places += np.arange(len(places))
        is_mine = np.ones(len(self) + len(ids), dtype=np.bool_)
        is_mine[places] = False
        merged = _blocks(len(is_mine), mine.dtype, first_hour)
        merged.ids[is_mine], merged.ids[places] = self.ids, ids
        merged.offsets[is_mine], merged.offsets[places] = mine, others
        return merged

    def halves(self) -> "tuple[IdRun, IdRun]":
        """Copies of the lower and of the upper half."""
        middle = len(self) // 2
        return (
            _compact(self.ids[:middle], self.offsets[:middle], self.first_hour),
            _compact(self.ids[middle:], self.offsets[middle:], self.first_hour),
        )


def no_ids() -> IdRun:
    """A run without ids."""
    return IdRun(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint8), 0)


def run_of(ids: Ids, hours: Hours) -> IdRun:
    """The run of ``ids``, in any order; of an id that is there twice, the newest hour."""
    if not len(ids):
        return no_ids()
    order = ids.argsort()
    ids = ids[order]
    first_hour = int(hours.min())
    offsets = (hours - first_hour).astype(np.min_scalar_type(int(hours.max()) - first_hour))[order]
    is_first = np.ones(len(ids), dtype=np.bool_)
    np.not_equal(ids[1:], ids[:-1], out=is_first[1:])
    if not is_first.all():
        starts = np.flatnonzero(is_first)
        ids, offsets = ids[starts], np.maximum.reduceat(offsets, starts)
    return IdRun(ids, offsets, first_hour)


def private_array(count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros whose memory goes back as soon as they are dropped.

    Runs are rewritten all the time, each time a bit longer: on the heap they would leave holes.
    """
    return np.frombuffer(mmap.mmap(-1, count * dtype.itemsize, flags=_PRIVATE), dtype)


def _compact(ids: Ids, offsets: _Offsets, first_hour: int) -> IdRun:
    """A copy whose hours count from its oldest id."""
    if not len(ids):
        return no_ids()
    earliest = int(offsets.min())
    width = np.min_scalar_type(int(offsets.max()) - earliest)
    run = _blocks(len(ids), width, first_hour + earliest)
    run.ids[:] = ids
    np.subtract(offsets, offsets.dtype.type(earliest), out=run.offsets, casting="same_kind")
    return run


def _blocks(count: int, width: np.dtype[Any], first_hour: int) -> IdRun:
    """A run of ``count`` ids, to be filled."""
    return IdRun(private_array(count, np.dtype(np.uint64)), private_array(count, width), first_hour)


def _rebased(run: IdRun, first_hour: int, span: int) -> _Offsets:
    """The hours of a run after ``first_hour``, as wide as ``span`` hours need."""
    width = np.min_scalar_type(span)
    offsets: _Offsets = run.offsets.astype(width, copy=False)
    later = run.first_hour - first_hour
    return offsets + width.type(later) if later else offsets
