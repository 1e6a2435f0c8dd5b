"""The older event ids of a partition: compact, and kept in order a little at a time."""

from bisect import bisect_right

import numpy as np

from tables.id_filter import IdFilter
from tables.id_runs import Hours, IdRun, Ids, no_ids, run_of

LEAF_IDS = 1 << 19
"""A leaf with more ids is halved: rewriting one takes a few milliseconds."""
YOUNG_IDS = (1 << 16, 1 << 19)
"""The young run is worked into the leaves at a 16th of all ids, within these limits."""

_YOUNG_SHARE = 16
_END = 1 << 64


class FrozenIds:
    """Ids with the hour of their first sight, in three levels of sorted runs.

    New ids are merged into one short *young* run. When that has grown, or an hour has passed, a
    pass begins: the young run is set aside as the *draining* one and worked into the *leaves*,
    one leaf with each :meth:`tidy`; each leaf holds a range of ids. Expired ids are dropped on
    the way. So an id is in one leaf and two short runs at most, no step takes longer than
    rewriting a leaf, and no more than one leaf and the short runs exist twice.

    A filter knows of nearly every id that is not held that it is not, so that the runs are searched
    for the others only. Bits cannot be taken out of it. So a pass that drops expired ids, or comes
    upon a worn filter, fills another one from the leaves that it writes.
    """

    def __init__(self) -> None:
        self._young = no_ids()
        self._draining = no_ids()
        self._leaves = [no_ids()]
        # Leaf number i holds the ids from _bounds[i] up to _bounds[i + 1].
        self._bounds = [0, _END]
        self._inner_bounds = np.empty(0, dtype=np.uint64)
        self._next_leaf = 1
        self._tidied_hour = 0
        self._filter = IdFilter(0)
        self._next_filter: IdFilter | None = None

    def __len__(self) -> int:
        """The ids that are held: at least as many, since expired ones that were not dropped yet
        count, and during a pass some count twice."""
        return sum(map(len, self._runs()))

    @property
    def nbytes(self) -> int:
        """Bytes that the ids, their hours and the filter take, what is held twice counted twice."""
        held = sum(run.nbytes for run in self._runs()) + self._filter.nbytes
        return held + self._next_filter.nbytes if self._next_filter else held

    def freeze(self, ids: Ids, hours: Hours) -> None:
        """Add ids, in any order; of one that is there already, the newer hour counts."""
        run = run_of(ids, hours)
        self._young = self._young.merged(run)
        self._filter.add(run.ids)

    def tidy(self, oldest_hour: int) -> None:
        """Do one step of the work that keeps the runs few and free of expired ids."""
        if not self._is_in_pass:
            if not self._pass_is_due(oldest_hour):
                return
            if oldest_hour > self._tidied_hour or len(self) > self._filter.most_ids:
                self._next_filter = IdFilter(len(self))
            self._begin_pass(oldest_hour)
        self._rewrite_next_leaf(oldest_hour)

    def load(self, ids: Ids, hours: Hours, oldest_hour: int) -> None:
        """Add many ids and work everything into the leaves at once, without expired ids.

        :meth:`end_loading` is to be called after the last time and before anything else.
        """
        self._young = self._young.merged(run_of(ids, hours))
        self._end_pass(oldest_hour)
        self._begin_pass(oldest_hour)
        self._end_pass(oldest_hour)

    def end_loading(self) -> None:
        """Fill the filter, once for all that was loaded."""
        self._filter = IdFilter(len(self))
        for run in self._runs():
            self._filter.add(run.ids)

    def may_hold(self, digests: Ids) -> Ids:
        """Those of ``digests`` that may be held; all others are not."""
        return self._filter.let_through(digests)

    def find(self, digests: Ids) -> dict[int, int]:
        """Those of ``digests`` that are held, with newest hours. Expired ids may be among them."""
        found: dict[int, int] = {}
        wanted = self.may_hold(digests)
        if not len(wanted):
            return found
        wanted.sort()
        numbers = self._inner_bounds.searchsorted(wanted, side="right").tolist()
        start = 0
        while start < len(numbers):
            end = bisect_right(numbers, numbers[start], start)
            self._leaves[numbers[start]].find(wanted[start:end], found)
            start = end
        self._draining.find(wanted, found)
        self._young.find(wanted, found)
        return found

    def seen_in(self, hour: int) -> Ids:
        """The ids of an hour that is not expired, in any order; some may be there twice."""
        return np.concatenate([run.seen_in(hour) for run in self._runs()])

    def count_by_hour(self) -> dict[int, int]:
        """How many ids each hour has, right after :meth:`load`."""
        counts: dict[int, int] = {}
        for leaf in self._leaves:
            for hour, count in leaf.count_by_hour().items():
                counts[hour] = counts.get(hour, 0) + count
        return counts

    @property
    def _is_in_pass(self) -> bool:
        return self._next_leaf < len(self._leaves)

    def _runs(self) -> list[IdRun]:
        return [*self._leaves, self._draining, self._young]

    def _pass_is_due(self, oldest_hour: int) -> bool:
        least, most = YOUNG_IDS
        share = sum(map(len, self._leaves)) // _YOUNG_SHARE
        return oldest_hour > self._tidied_hour or len(self._young) >= min(max(share, least), most)

    def _begin_pass(self, oldest_hour: int) -> None:
        self._draining = self._young.since(oldest_hour)
        self._young = no_ids()
        self._next_leaf = 0
        self._tidied_hour = oldest_hour

    def _end_pass(self, oldest_hour: int) -> None:
        while self._is_in_pass:
            self._rewrite_next_leaf(oldest_hour)

    def _rewrite_next_leaf(self, oldest_hour: int) -> None:
        place = self._next_leaf
        low, high = self._bounds[place : place + 2]
        leaf = self._leaves[place].since(oldest_hour)
        leaves = _split(leaf.merged(self._draining.between(low, high)))
        self._leaves[place : place + 1] = leaves
        self._bounds[place + 1 : place + 1] = [int(new.ids[0]) for new in leaves[1:]]
        if len(leaves) > 1:
            self._inner_bounds = np.array(self._bounds[1:-1], dtype=np.uint64)
        self._next_leaf += len(leaves)
        if self._next_filter:
            for new in leaves:
                self._next_filter.add(new.ids)
        if not self._is_in_pass:
            self._draining = no_ids()
            if self._next_filter:
                # Not with each freeze: a few ids lie in as many pages of memory as all of them do.
                self._next_filter.add(self._young.ids)
                self._filter, self._next_filter = self._next_filter, None


def _split(run: IdRun) -> list[IdRun]:
    """The run in parts of at most ``LEAF_IDS`` ids."""
    if len(run) <= LEAF_IDS:
        return [run]
    return [part for half in run.halves() for part in _split(half)]
