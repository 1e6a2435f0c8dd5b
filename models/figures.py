"""The integers that a pane, a partial of it and a rolling window are made of.

Everything that is counted is one of these sums or a bucket of the startup histogram, so merging
two is adding them: associative, commutative and exact, and taking one out again is subtracting.
"""

from typing import Final

import msgspec

from models.adding import add_counts, add_sums, counts_since, sums_since

IMPRESSIONS: Final = 0
PLAYS: Final = 1
COMPLETIONS: Final = 2
ENDED_VIEWS: Final = 3
REBUFFERED_VIEWS: Final = 4
EXITS_BEFORE_START: Final = 5
START_FAILURES: Final = 6
PLAYBACK_FAILURES: Final = 7
REBUFFERS: Final = 8
REBUFFER_MS: Final = 9
WATCH_MS: Final = 10
DOWNSHIFTS: Final = 11
ACTIVE_VIEWERS: Final = 12
STARTUP_MS: Final = 13
STARTED_VIEWS: Final = 14
"""Ended views that had a first frame."""

SUMS: Final = 15


class Figures(msgspec.Struct, gc=False, array_like=True):
    """The sums, indexed by the constants above, and startup times by histogram bucket."""

    sums: list[int]
    startups: dict[int, int]

    def add(self, other: "Figures") -> None:
        """Add ``other`` to this."""
        add_sums(self.sums, other.sums, 1)
        if other.startups:
            add_counts(self.startups, other.startups, 1)

    def subtract(self, other: "Figures") -> None:
        """Take ``other`` out of this again."""
        add_sums(self.sums, other.sums, -1)
        if other.startups:
            add_counts(self.startups, other.startups, -1)

    def since(self, before: "Figures") -> "Figures":
        """What has to be added to ``before`` to get this."""
        return Figures(
            sums_since(self.sums, before.sums), counts_since(self.startups, before.startups)
        )

    def is_empty(self) -> bool:
        """Whether nothing is counted here."""
        return not any(self.sums) and not self.startups

    def copy(self) -> "Figures":
        """An independent copy."""
        return Figures(self.sums.copy(), self.startups.copy())


def new_figures() -> Figures:
    """Figures that count nothing."""
    return Figures([0] * SUMS, {})
