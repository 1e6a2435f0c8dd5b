"""The integers that a pane, a partial of it and a rolling window are made of.

Everything that is counted is one of these sums or a bucket of the startup histogram, so merging
two is adding them: associative, commutative and exact, and taking one out again is subtracting.
"""

from collections.abc import Iterable

import msgspec

IMPRESSIONS = 0
PLAYS = 1
COMPLETIONS = 2
ENDED_VIEWS = 3
REBUFFERED_VIEWS = 4
EXITS_BEFORE_START = 5
START_FAILURES = 6
PLAYBACK_FAILURES = 7
REBUFFERS = 8
REBUFFER_MS = 9
WATCH_MS = 10
DOWNSHIFTS = 11
ACTIVE_VIEWERS = 12
STARTUP_MS = 13
STARTED_VIEWS = 14
"""Ended views that had a first frame."""

SUMS = 15


class Figures(msgspec.Struct, gc=False, array_like=True):
    """The sums, indexed by the constants above, and startup times by histogram bucket."""

    sums: list[int]
    startups: dict[int, int]

    def add(self, other: "Figures") -> None:
        """Add ``other`` to this."""
        sums = self.sums
        for i, amount in enumerate(other.sums):
            if amount:
                sums[i] += amount
        if other.startups:
            add_counts(self.startups, other.startups.items())

    def subtract(self, other: "Figures") -> None:
        """Take ``other`` out of this again."""
        sums = self.sums
        for i, amount in enumerate(other.sums):
            if amount:
                sums[i] -= amount
        if other.startups:
            add_counts(self.startups, ((b, -count) for b, count in other.startups.items()))

    def is_empty(self) -> bool:
        """Whether nothing is counted here."""
        return not any(self.sums) and not self.startups

    def copy(self) -> "Figures":
        """An independent copy."""
        return Figures(self.sums.copy(), self.startups.copy())


def new_figures() -> Figures:
    """Figures that count nothing."""
    return Figures([0] * SUMS, {})


def add_counts(counts: dict[int, int], more: Iterable[tuple[int, int]]) -> None:
    """Add bucket counts to ``counts``, dropping buckets that become empty."""
    for bucket, count in more:
        total = counts.get(bucket, 0) + count
        if total:
            counts[bucket] = total
        else:
            counts.pop(bucket, None)
