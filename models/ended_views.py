"""What an ended view says of its content."""

from typing import Final

from models.content_figures import (
    ENDED_VIEWS,
    MEASURED_VIEWS,
    QOE_LIMITED_SKIPS,
    SKIPS,
    WATCHED_BASIS_POINTS,
    ContentFigures,
)
from models.views import OPEN, SWIPED, EndedView, View

SKIP_MS: Final = 2_000
"""A view that is swiped away within this time of its first frame, and not completed, is a skip."""
SLOW_STARTUP_MS: Final = 2_000
"""A skip after a longer startup is not the content's fault, and neither is one after a stall."""

_ALL_BASIS_POINTS: Final = 10_000
_NOT_MEASURED: Final = -1
_BASIS_POINTS_PER_PERCENT: Final = 100


def ended_view(view: View) -> EndedView | None:
    """What ``view`` says of its content as an ended one; None: it is open or never started."""
    if view.ended_by == OPEN or not view.has_started():
        return None
    shown_ms = view.ended_at_ms - view.started_at_ms
    skip = view.ended_by == SWIPED and shown_ms <= SKIP_MS and not view.completed
    slow = view.startup_ms > SLOW_STARTUP_MS
    basis_points = _NOT_MEASURED
    if view.duration_ms:
        watched = view.watch_ms * _ALL_BASIS_POINTS // view.duration_ms
        basis_points = min(max(watched, 0), _ALL_BASIS_POINTS)
    return EndedView(skip, skip and (slow or view.rebuffers > 0), basis_points)


def add_ended(figures: ContentFigures, ended: EndedView, sign: int) -> None:
    """Add an ended view to the figures of its content, or take one out (``sign`` -1)."""
    sums = figures.sums
    sums[ENDED_VIEWS] += sign
    if ended.skip:
        sums[SKIPS] += sign
    if ended.qoe_limited:
        sums[QOE_LIMITED_SKIPS] += sign
    if ended.basis_points != _NOT_MEASURED:
        sums[MEASURED_VIEWS] += sign
        sums[WATCHED_BASIS_POINTS] += sign * ended.basis_points
        figures.add_watched(ended.basis_points // _BASIS_POINTS_PER_PERCENT, sign)
