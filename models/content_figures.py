"""What a content gains: the integers that the signals of a content are made of.

Merging two is adding them, and taking something back is adding its negative.
"""

import msgspec

from models.figures import add_counts
from models.views import OPEN, SWIPED, EndedView, View

IMPRESSIONS = 0
PLAYS = 1
COMPLETIONS = 2
WATCH_MS = 3
REBUFFER_MS = 4
LIKES = 5
SAVES = 6
SHARES = 7
ENDED_VIEWS = 8
"""Ended views that had a first frame, as all figures below."""
SKIPS = 9
QOE_LIMITED_SKIPS = 10
MEASURED_VIEWS = 11
"""Those of which the duration of the content is known."""
WATCHED_BASIS_POINTS = 12
"""How much of the content was watched, in hundredths of a per cent, added up."""

SUMS = 13

SKIP_MS = 2_000
"""A view that is swiped away within this time of its first frame, and not completed, is a skip."""
SLOW_STARTUP_MS = 2_000
"""A skip after a longer startup is not the content's fault, and neither is one after a stall."""

_ALL_BASIS_POINTS = 10_000
_NOT_MEASURED = -1
_BASIS_POINTS_PER_PERCENT = 100


class ContentFigures(msgspec.Struct, gc=False, array_like=True):
    """The sums, indexed by the constants above, and measured views by whole per cent watched."""

    sums: list[int]
    watched: dict[int, int]

    def add_ended(self, ended: EndedView, sign: int) -> None:
        """Add an ended view, or take one out (``sign`` -1)."""
        sums = self.sums
        sums[ENDED_VIEWS] += sign
        sums[SKIPS] += sign * ended.skip
        sums[QOE_LIMITED_SKIPS] += sign * ended.qoe_limited
        if ended.basis_points != _NOT_MEASURED:
            sums[MEASURED_VIEWS] += sign
            sums[WATCHED_BASIS_POINTS] += sign * ended.basis_points
            add_counts(self.watched, ((ended.basis_points // _BASIS_POINTS_PER_PERCENT, sign),))


def new_content_figures() -> ContentFigures:
    """Nothing yet."""
    return ContentFigures([0] * SUMS, {})


def ended_view(view: View) -> EndedView | None:
    """What ``view`` says of its content as an ended one; None: it is open or never started."""
    if view.ended_by == OPEN or view.started_at_ms is None:
        return None
    shown_ms = view.ended_at_ms - view.started_at_ms
    skip = view.ended_by == SWIPED and shown_ms <= SKIP_MS and not view.completed
    slow = view.startup_ms is not None and view.startup_ms > SLOW_STARTUP_MS
    basis_points = _NOT_MEASURED
    if view.duration_ms:
        watched = view.watch_ms * _ALL_BASIS_POINTS // view.duration_ms
        basis_points = min(max(watched, 0), _ALL_BASIS_POINTS)
    return EndedView(skip, skip and (slow or view.rebuffers > 0), basis_points)
