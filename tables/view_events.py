"""What each event does to its view, and what it adds to the figures."""

from typing import Any, Final, final

from mypy_extensions import mypyc_attr

from models import content_figures, playing
from models.checked_events import CheckedEvent, Context
from models.dimensions import Slices, SliceTable
from models.event_kinds import (
    ERROR,
    LIKE,
    QUALITY_CHANGE,
    REBUFFER,
    SAVE,
    SHARE,
    WATCH_PROGRESS,
)
from models.events import (
    CompletionData,
    ErrorData,
    ImpressionData,
    PlayStartData,
    QualityChangeData,
    RebufferData,
    ShareData,
    SwipeData,
    WatchProgressData,
)
from models.figures import (
    COMPLETIONS,
    DOWNSHIFTS,
    IMPRESSIONS,
    REBUFFER_MS,
    REBUFFERS,
    WATCH_MS,
)
from models.marks import COMPLETION, FIRST_FRAME, IMPRESSION, SWIPE
from models.quality import DOWN, UP, direction
from models.views import View
from tables.content_gains import ContentGains
from tables.counters import Counters
from tables.panes import Gains
from tables.view_figures import ViewFigures

_MAX_CONTEXTS: Final = 20_000
_MAX_NAMES: Final = 20_000

_LIKINGS: Final[dict[int, int]] = {
    LIKE: content_figures.LIKES,
    SAVE: content_figures.SAVES,
    SHARE: content_figures.SHARES,
}


@final
@mypyc_attr(acyclic=True)
class SharedContext:
    """A context, and the slices of a view of which nothing else is known."""

    __slots__ = ("context", "slices")

    def __init__(self, context: Context, slices: Slices) -> None:
        self.context = context
        self.slices = slices


class ViewEvents:
    """Applies events to views.

    A view carries its dimension values from its impression and its first frame, so that a stall
    or a completion counts under the right codec and entry point. What an event names itself (its
    rendition, its network type) holds for that event alone.
    """

    def __init__(self, counters: Counters, figures: ViewFigures, contents: ContentGains) -> None:
        self._counters = counters
        self._figures = figures
        self._contents = contents
        self.table = SliceTable()
        self._contexts: dict[Context, SharedContext] = {}
        self._names: dict[str, str] = {}

    def shared(self, context: Context) -> SharedContext:
        """The one object that all views of this context share: there are few, and many views."""
        known = self._contexts.get(context)
        if known is None:
            if len(self._contexts) >= _MAX_CONTEXTS:
                self._contexts.clear()
            slices = self.table.of(None, None, None, context)
            known = self._contexts[context] = SharedContext(context, slices)
        return known

    def _shared_name(self, name: str | None) -> str | None:
        """The one object that all views share for a name of which there are few, such as a codec:
        each event comes with strings of its own."""
        if name is None:
            return None
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= _MAX_NAMES:
                self._names.clear()
            known = self._names[name] = name
        return known

    def apply(
        self,
        view: View,
        event: CheckedEvent,
        at_ms: int,
        pane_ms: int,
        gains: Gains,
    ) -> None:
        """Take ``event``, which happened at ``at_ms``, into ``view`` and count it in ``gains``,
        those of the pane that starts at ``pane_ms``."""
        if view.session_id is None:
            view.session_id = event.session_id
        if view.device_id is None:
            view.device_id = event.device_id
        if view.user_id is None:
            view.user_id = event.user_id
        context = event.context
        if context == view.context:
            context = view.context
        elif None in view.context:
            merged = _first_named(view.context, context)
            if merged != view.context:
                view.context = merged
                self._reslice(view)
        kind = event.kind
        data = event.data
        if kind == WATCH_PROGRESS:
            self._watch_progress(view, data, context, at_ms, pane_ms, gains)
        elif kind == IMPRESSION:
            self._impression(view, data, context, pane_ms, gains)
        elif kind == FIRST_FRAME:
            self._play_start(view, data, context, at_ms, pane_ms)
        elif kind == SWIPE:
            self._swipe(view, data, context, at_ms, pane_ms, gains)
        elif kind == COMPLETION:
            self._completion(view, data, context, at_ms, pane_ms, gains)
        elif kind == REBUFFER:
            self._rebuffer(view, data, context, at_ms, pane_ms, gains)
        elif kind == QUALITY_CHANGE:
            self._quality_change(view, data, context, gains)
        elif kind == ERROR:
            self._error(view, data)
        else:
            self._liking(view, data, kind, pane_ms)

    def count_alone(self, event: CheckedEvent, pane_ms: int, gains: Gains) -> None:
        """Count an event that names no viewer: it belongs to no view and stands for itself."""
        kind = event.kind
        data = event.data
        rendition: str | None = getattr(data, "rendition", None)
        codec: str | None = getattr(data, "codec", None)
        entry_point: str | None = getattr(data, "entry_point", None)
        gain = gains.of(self.table.of(rendition, codec, entry_point, event.context))
        of_content = self._contents.of(event.content_id, pane_ms).sums
        if kind == IMPRESSION:
            gain.sums[IMPRESSIONS] += 1
            of_content[content_figures.IMPRESSIONS] += 1
        elif kind == FIRST_FRAME:
            startup_ms = data.startup_time
            self._figures.add_play(gain, startup_ms, 1)
            of_content[content_figures.PLAYS] += 1
            self._counters.startup.observe(startup_ms)
        elif kind == COMPLETION:
            gain.sums[COMPLETIONS] += 1
            of_content[content_figures.COMPLETIONS] += 1
        elif kind == REBUFFER:
            stall_ms = data.duration
            gain.sums[REBUFFERS] += 1
            gain.sums[REBUFFER_MS] += stall_ms
            of_content[content_figures.REBUFFER_MS] += stall_ms
        elif kind == QUALITY_CHANGE:
            if self._count_switch(data) == DOWN:
                gain.sums[DOWNSHIFTS] += 1
        elif kind == ERROR:
            self._counters.add_error(str(data.error_code))
        elif kind in _LIKINGS:
            of_content[_LIKINGS[kind]] += 1

    def _reslice(self, view: View) -> None:
        view.slices = self.table.of(view.rendition, view.codec, view.entry_point, view.context)

    def _rename(self, view: View) -> None:
        """The same where the context is what it was."""
        view.slices = self.table.renamed(
            view.slices, view.rendition, view.codec, view.entry_point, view.context
        )

    def _slices_of(self, view: View, context: Context, rendition: str | None = None) -> Slices:
        if context is not view.context:
            context = _first_named(context, view.context)
        if (context is view.context or context == view.context) and (
            rendition is None or rendition == view.rendition
        ):
            return view.slices
        return self.table.of(rendition or view.rendition, view.codec, view.entry_point, context)

    def _impression(
        self, view: View, data: ImpressionData, context: Context, pane_ms: int, gains: Gains
    ) -> None:
        self.show(view, data)
        gains.of(self._slices_of(view, context)).sums[IMPRESSIONS] += 1
        self._contents.of(view.content_id, pane_ms).sums[content_figures.IMPRESSIONS] += 1

    def show(self, view: View, data: ImpressionData) -> None:
        """Give ``view`` its impression, without counting one."""
        if not view.impression:
            view.impression = True
            view.position = data.position
            view.feed_id = self._shared_name(data.feed_id)
            if data.entry_point is not None:
                view.entry_point = data.entry_point
                self._rename(view)
        if data.entry_point == "search":
            view.searched = True
        else:
            view.tried = True

    def _play_start(
        self, view: View, data: PlayStartData, context: Context, at_ms: int, pane_ms: int
    ) -> None:
        if not view.has_started():
            self.start(view, data, at_ms)
            self._figures.count_play(view, pane_ms, self._slices_of(view, context))

    def start(self, view: View, data: PlayStartData, at_ms: int) -> None:
        """Give ``view`` its first frame, without counting a play."""
        view.started_at_ms = at_ms
        view.startup_ms = data.startup_time
        view.rendition = self._shared_name(data.rendition)
        view.codec = self._shared_name(data.codec)
        view.autoplay = data.autoplay
        self._rename(view)
        playing.start(view, at_ms)

    def _watch_progress(
        self,
        view: View,
        data: WatchProgressData,
        context: Context,
        at_ms: int,
        pane_ms: int,
        gains: Gains,
    ) -> None:
        view.acted = True
        view.duration_ms = playing.milliseconds(data.duration)
        played_ms = playing.advance(view, playing.milliseconds(data.current_time), at_ms)
        if played_ms:
            slices = self._slices_of(view, context, data.rendition)
            self._add_watched(view, played_ms, slices, pane_ms, gains)

    def _completion(
        self,
        view: View,
        data: CompletionData,
        context: Context,
        at_ms: int,
        pane_ms: int,
        gains: Gains,
    ) -> None:
        slices = self._slices_of(view, context)
        correction_ms = playing.correct(view, playing.milliseconds(data.watch_time), at_ms)
        playing.reach_end(view, at_ms, data.looped)
        if correction_ms:
            self._add_watched(view, correction_ms, slices, pane_ms, gains)
        view.loop_count = max(view.loop_count, data.loop_count or 0, int(data.looped))
        if not view.completed:
            view.completed = True
            view.completed_at_ms = at_ms
            self._figures.count_completion(view, pane_ms, slices)

    def _swipe(
        self, view: View, data: SwipeData, context: Context, at_ms: int, pane_ms: int, gains: Gains
    ) -> None:
        view.tried = True
        correction_ms = playing.correct(view, playing.milliseconds(data.watch_time), at_ms)
        if correction_ms:
            slices = self._slices_of(view, context)
            self._add_watched(view, correction_ms, slices, pane_ms, gains)

    def _add_watched(
        self, view: View, played_ms: int, slices: Slices, pane_ms: int, gains: Gains
    ) -> None:
        gains.of(slices).sums[WATCH_MS] += played_ms
        self._contents.of(view.content_id, pane_ms).sums[content_figures.WATCH_MS] += played_ms

    def _rebuffer(
        self,
        view: View,
        data: RebufferData,
        context: Context,
        at_ms: int,
        pane_ms: int,
        gains: Gains,
    ) -> None:
        view.acted = True
        view.rebuffers += 1
        view.rebuffer_ms += data.duration
        playing.stall(view, data.duration, at_ms)
        sums = gains.of(self._slices_of(view, context, data.rendition)).sums
        sums[REBUFFERS] += 1
        sums[REBUFFER_MS] += data.duration
        of_content = self._contents.of(view.content_id, pane_ms).sums
        of_content[content_figures.REBUFFER_MS] += data.duration

    def _quality_change(
        self, view: View, data: QualityChangeData, context: Context, gains: Gains
    ) -> None:
        view.acted = True
        way = self._count_switch(data)
        if way == UP:
            view.upshifts += 1
        elif way == DOWN:
            view.downshifts += 1
            gains.of(self._slices_of(view, context)).sums[DOWNSHIFTS] += 1

    def _count_switch(self, data: QualityChangeData) -> str:
        way = direction(data.from_quality, data.to_quality)
        self._counters.quality_changes[way] += 1
        return way

    def _error(self, view: View, data: ErrorData) -> None:
        view.tried = True
        view.errors += 1
        view.fatal = view.fatal or data.fatal is True
        self._counters.add_error(str(data.error_code))

    def _liking(self, view: View, data: Any, kind: int, pane_ms: int) -> None:
        view.acted = True
        if kind == LIKE:
            view.liked = True
        elif kind == SAVE:
            view.saved = True
        else:
            view.shared = True
            share: ShareData = data
            view.share_platform = share.platform
        self._contents.of(view.content_id, pane_ms).sums[_LIKINGS[kind]] += 1


def _first_named(first: Context, second: Context) -> Context:
    return tuple(a if a is not None else b for a, b in zip(first, second, strict=True))
