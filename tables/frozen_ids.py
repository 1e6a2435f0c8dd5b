"""The older event ids of a partition: compact, and kept in order a little at a time."""

from itertools import pairwise

import numpy as np

from tables.id_runs import Hours, IdRun, Ids, no_ids, run_of

LEAF_IDS = 1 << 20
"""A leaf with more ids is halved: rewriting one takes some milliseconds."""
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

    def __len__(self) -> int:
        """The ids that are held: at least as many, since expired ones that were not dropped yet
        count, and during a pass some count twice."""
        return sum(map(len, self._runs()))

    @property
    def nbytes(self) -> int:
        """Bytes that the ids and their hours take, those held twice counted twice."""
        return sum(run.nbytes for run in self._runs())

    def freeze(self, ids: Ids, hours: Hours) -> None:
        """Add ids, in any order; of one that is there already, the newer hour counts."""
        self._young = self._young.merged(run_of(ids, hours))

    def tidy(self, oldest_hour: int) -> None:
        """Do one step of the work that keeps the runs few and free of expired ids."""
        if not self._is_in_pass:
            if not self._pass_is_due(oldest_hour):
                return
            self._begin_pass(oldest_hour)
        self._rewrite_next_leaf(oldest_hour)

    def settle(self, oldest_hour: int) -> None:
        """Work everything into the leaves at once, without expired ids."""
        self._end_pass(oldest_hour)
        self._begin_pass(oldest_hour)
        self._end_pass(oldest_hour)

    def find(self, wanted: Ids) -> dict[int, int]:
        """Those of ``wanted``, which is in ascending order, that are held, with newest hours.

        Expired ids may be among them.
        """
        found: dict[int, int] = {}
        cuts = wanted.searchsorted(self._inner_bounds).tolist()
        for leaf, (start, end) in zip(self._leaves, pairwise((0, *cuts, len(wanted))), strict=True):
            if start < end:
                leaf.find(wanted[start:end], found)
        self._draining.find(wanted, found)
        self._young.find(wanted, found)
        return found

    def seen_in(self, hour: int) -> Ids:
        """The ids of an hour that is not expired, in any order; some may be there twice."""
        return np.concatenate([run.seen_in(hour) for run in self._runs()])

    def count_by_hour(self) -> dict[int, int]:
        """How many ids each hour has, right after :meth:`settle`."""
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
        if not self._is_in_pass:
            self._draining = no_ids()


def _split(run: IdRun) -> list[IdRun]:
    """The run in parts of at most ``LEAF_IDS`` ids."""
    if len(run) <= LEAF_IDS:
        return [run]
    return [part for half in run.halves() for part in _split(half)]
