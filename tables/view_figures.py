"""What a view counts for, once each: a play with its startup time, a completion, an ended view.

A view remembers where it was counted. Late events can make it count somewhere else, as something
else or not at all; then it is taken back where it was.
"""

from typing import Final

from models import content_figures
from models.adding import add_count
from models.content_figures import ContentFigures
from models.dimensions import Slices
from models.ended_views import add_ended, ended_view
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
)
from models.histogram import bucket_of
from models.views import NEVER, OPEN, Counted, CountedEnd, View
from tables.content_gains import ContentGains
from tables.counters import Counters
from tables.panes import Gain, PaneStore, pane_of

_ENDED_FIGURES = (
    ENDED_VIEWS,
    REBUFFERED_VIEWS,
    EXITS_BEFORE_START,
    START_FAILURES,
    PLAYBACK_FAILURES,
    STARTED_VIEWS,
)
_FIGURES_OF_BITS: Final = [
    [figure for place, figure in enumerate(_ENDED_FIGURES) if bits >> place & 1]
    for bits in range(1 << len(_ENDED_FIGURES))
]


class ViewFigures:
    """Counts the views of one partition: in its panes, for their contents, and in the counters of
    the process."""

    def __init__(self, panes: PaneStore, contents: ContentGains, counters: Counters) -> None:
        self._panes = panes
        self._contents = contents
        self._counters = counters

    def count_play(self, view: View, pane_ms: int, slices: Slices) -> None:
        """Count the play of a view that has its startup time."""
        view.play_counted = Counted(pane_ms, slices)
        self.add_play(self._panes.gains(pane_ms).of(slices), view.startup_ms, 1)
        self.of_content(view, pane_ms).sums[content_figures.PLAYS] += 1
        self._counters.startup.observe(view.startup_ms)

    def take_play_back(self, view: View) -> None:
        """What was taken for the first frame of a view is not, or not the first."""
        counted = view.play_counted
        if counted is not None:
            gains = self._panes.gains(counted.pane_ms)
            self.add_play(gains.of(counted.slices), view.startup_ms, -1)
            self.of_content(view, counted.pane_ms).sums[content_figures.PLAYS] -= 1
            self._counters.startup.take_back(view.startup_ms)
        view.play_counted = None
        view.started_at_ms = view.startup_ms = NEVER

    def count_completion(self, view: View, pane_ms: int, slices: Slices) -> None:
        """Count the completion of a view."""
        view.completion_counted = Counted(pane_ms, slices)
        self._panes.gains(pane_ms).of(slices).sums[COMPLETIONS] += 1
        self.of_content(view, pane_ms).sums[content_figures.COMPLETIONS] += 1

    def take_completion_back(self, view: View) -> None:
        """What was taken for the first completion of a view is not, or not the first."""
        counted = view.completion_counted
        if counted is not None:
            self._panes.gains(counted.pane_ms).of(counted.slices).sums[COMPLETIONS] -= 1
            self.of_content(view, counted.pane_ms).sums[content_figures.COMPLETIONS] -= 1
        view.completed = False
        view.completed_at_ms = 0
        view.completion_counted = None

    def recount_end(self, view: View) -> None:
        """Bring the figures about ended views up to what the view is now."""
        figures, for_content = _ended_figures(view), ended_view(view)
        counted = view.end_counted
        if counted is None:
            if not figures:
                return
        else:
            if (
                counted.figures == figures
                and _are_same(counted.slices, view.slices)
                and counted.for_content == for_content
            ):
                return
            self._add_ended(view, counted, -1)
        pane_ms = pane_of(view.ended_clock_ms)
        view.end_counted = CountedEnd(pane_ms, view.slices, figures, for_content)
        self._add_ended(view, view.end_counted, 1)

    def of_content(self, view: View, pane_ms: int) -> ContentFigures:
        """Where to add what the content of ``view`` gains in the pane from ``pane_ms`` on."""
        return self._contents.of(view.content_id, pane_ms)

    def _add_ended(self, view: View, counted: CountedEnd, sign: int) -> None:
        if counted.figures:
            sums = self._panes.gains(counted.pane_ms).of(counted.slices).sums
            for figure in _FIGURES_OF_BITS[counted.figures]:
                sums[figure] += sign
        if counted.for_content is not None:
            add_ended(self.of_content(view, counted.pane_ms), counted.for_content, sign)

    @staticmethod
    def add_play(gain: Gain, startup_ms: int, sign: int) -> None:
        """Add a play with its startup time, or take one out (``sign`` -1)."""
        gain.sums[PLAYS] += sign
        gain.sums[STARTUP_MS] += sign * startup_ms
        add_count(gain.startups, bucket_of(startup_ms), sign)


def _are_same(slices: Slices, others: Slices) -> bool:
    """Whether they have the same values, as one object or, after a restart, as two."""
    return slices is others or slices.values == others.values


def _ended_figures(view: View) -> int:
    """A bit for each of the figures about ended views that hold, by their place; 0 of a view that
    is open or no attempt."""
    if view.ended_by == OPEN or not view.is_attempt():
        return 0
    return (
        1
        | view.is_rebuffered() << 1
        | view.is_exit_before_start() << 2
        | view.is_start_failure() << 3
        | view.is_playback_failure() << 4
        | view.has_started() << 5
    )
