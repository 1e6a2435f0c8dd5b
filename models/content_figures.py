"""What a content gains: the integers that the signals of a content are made of.

Merging two is adding them, and taking something back is adding its negative.
"""

from typing import Final

import msgspec

from models.adding import add_count

IMPRESSIONS: Final = 0
PLAYS: Final = 1
COMPLETIONS: Final = 2
WATCH_MS: Final = 3
REBUFFER_MS: Final = 4
LIKES: Final = 5
SAVES: Final = 6
SHARES: Final = 7
ENDED_VIEWS: Final = 8
"""Ended views that had a first frame, as all figures below."""
SKIPS: Final = 9
QOE_LIMITED_SKIPS: Final = 10
MEASURED_VIEWS: Final = 11
"""Those of which the duration of the content is known."""
WATCHED_BASIS_POINTS: Final = 12
"""How much of the content was watched, in hundredths of a per cent, added up."""

SUMS: Final = 13


NONE_WATCHED: Final[dict[int, int]] = {}
"""Shared by all figures without measured views, which are most: nothing is ever added to it."""


class ContentFigures(msgspec.Struct, gc=False, array_like=True):
    """The sums, indexed by the constants above, and measured views by whole per cent watched."""

    sums: list[int]
    watched: dict[int, int]

    def add_watched(self, percent: int, views: int) -> None:
        """Add measured views, or take them out (negative)."""
        if self.watched is NONE_WATCHED:
            self.watched = {}
        add_count(self.watched, percent, views)


def new_content_figures() -> ContentFigures:
    """Nothing yet."""
    return ContentFigures([0] * SUMS, NONE_WATCHED)
