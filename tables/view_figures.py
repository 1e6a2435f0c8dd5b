"""What a view counts for, once each: a play with its startup time, a completion, an ended view.

A view remembers where it was counted. Late events can make it count somewhere else, as something
else or not at all; then it is taken back where it was.
"""

from models.dimensions import Slices
from models.figures import (
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    PLAYBACK_FAILURES,
    PLAYS,
    REBUFFERED_VIEWS,
    START_FAILURES,
    STARTED_VIEWS,
    STARTUP_MS,
    Figures,
    add_counts,
)
from models.histogram import bucket_of
from models.views import OPEN, View
from tables.counters import Counters
from tables.panes import PaneStore, pane_of

_ENDED_FIGURES = (
    ENDED_VIEWS,
    REBUFFERED_VIEWS,
    EXITS_BEFORE_START,
    START_FAILURES,
    PLAYBACK_FAILURES,
    STARTED_VIEWS,
)


class ViewFigures:
    """Counts the views of one partition in its panes and in the counters of the process."""

    def __init__(self, panes: PaneStore, counters: Counters) -> None:
        self._panes = panes
        self._counters = counters

    def count_play(self, view: View, pane_ms: int, slices: Slices) -> None:
        """Count the play of a view that has its startup time."""
        view.play_counted = pane_ms, slices
        startup_ms = view.startup_ms or 0
        self.add_play(self._panes.gains(pane_ms)[slices], startup_ms, 1)
        self._counters.startup.observe(startup_ms)

    def take_play_back(self, view: View) -> None:
        """What was taken for the first frame of a view is not, or not the first."""
        if view.play_counted is not None:
            pane_ms, slices = view.play_counted
            startup_ms = view.startup_ms or 0
            self.add_play(self._panes.gains(pane_ms)[slices], startup_ms, -1)
            self._counters.startup.take_back(startup_ms)
        view.play_counted = view.started_at_ms = view.startup_ms = None

    def count_completion(self, view: View, pane_ms: int, slices: Slices) -> None:
        """Count the completion of a view."""
        view.completion_counted = pane_ms, slices
        self._panes.gains(pane_ms)[slices].sums[COMPLETIONS] += 1

    def take_completion_back(self, view: View) -> None:
        """What was taken for the first completion of a view is not, or not the first."""
        if view.completion_counted is not None:
            pane_ms, slices = view.completion_counted
            self._panes.gains(pane_ms)[slices].sums[COMPLETIONS] -= 1
        view.completed = False
        view.completion_counted = None

    def recount_end(self, view: View) -> None:
        """Bring the figures about ended views up to what the view is now."""
        now = _ended_figures(view)
        counted = view.end_counted
        if counted is None:
            if not now:
                return
        elif view.end_figures == now and counted[1] is view.slices:
            return
        else:
            self._add_ended(counted[0], counted[1], view.end_figures, -1)
        pane_ms = pane_of(view.ended_clock_ms)
        self._add_ended(pane_ms, view.slices, now, 1)
        view.end_counted = pane_ms, view.slices
        view.end_figures = now

    def _add_ended(self, pane_ms: int, slices: Slices, holds: tuple[bool, ...], sign: int) -> None:
        if holds:
            sums = self._panes.gains(pane_ms)[slices].sums
            for figure, one in zip(_ENDED_FIGURES, holds, strict=True):
                sums[figure] += sign * one

    @staticmethod
    def add_play(figures: Figures, startup_ms: int, sign: int) -> None:
        """Add a play with its startup time to ``figures``, or take one out (``sign`` -1)."""
        figures.sums[PLAYS] += sign
        figures.sums[STARTUP_MS] += sign * startup_ms
        add_counts(figures.startups, ((bucket_of(startup_ms), sign),))


def _ended_figures(view: View) -> tuple[bool, ...]:
    """Which of the figures about ended views hold; none of a view that is open or no attempt."""
    if view.ended_by == OPEN or not view.is_attempt():
        return ()
    return (
        True,
        view.is_rebuffered(),
        view.is_exit_before_start(),
        view.is_start_failure(),
        view.is_playback_failure(),
        view.started_at_ms is not None,
    )
