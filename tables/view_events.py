"""What each event does to its view, and what it adds to the figures."""

from collections.abc import Callable
from typing import Any

from models import playing
from models.dimensions import Slices, SliceTable
from models.events import (
    Completion,
    Event,
    Impression,
    Like,
    PlaybackError,
    PlayStart,
    PlayStartData,
    QualityChange,
    Rebuffer,
    Save,
    Share,
    Swipe,
    WatchProgress,
)
from models.figures import (
    COMPLETIONS,
    DOWNSHIFTS,
    IMPRESSIONS,
    PLAYS,
    REBUFFER_MS,
    REBUFFERS,
    STARTUP_MS,
    WATCH_MS,
    Figures,
)
from models.histogram import bucket_of
from models.quality import DOWN, UP, direction
from models.views import Restart, View
from tables.counters import Counters
from tables.panes import Gains

Context = tuple[str | None, ...]
_Handler = Callable[[View, Any, str, Context, int, Gains], None]


def context_of(event: Event) -> Context:
    """Platform, country, network type, CDN and app version as the event names them."""
    return (event.platform, event.country, event.network_type, event.cdn, event.app_version)


class ViewEvents:
    """Applies events to views.

    A view carries its dimension values from its impression and its first frame, so that a stall
    or a completion counts under the right codec and entry point. What an event names itself (its
    rendition, its network type) holds for that event alone.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.table = SliceTable()
        self._handlers: dict[type, _Handler] = {
            Impression: self._impression,
            PlayStart: self._play_start,
            WatchProgress: self._watch_progress,
            Completion: self._completion,
            Swipe: self._swipe,
            Like: self._like,
            Save: self._save,
            Share: self._share,
            Rebuffer: self._rebuffer,
            QualityChange: self._quality_change,
            PlaybackError: self._error,
        }

    def slices(self, context: Context) -> Slices:
        """The slices of a view of which only the context is known."""
        return self.table.get((None, None, None, *context))

    def apply(
        self, view: View, event: Event, event_id: str, context: Context, at_ms: int, gains: Gains
    ) -> None:
        """Take ``event``, which happened at ``at_ms``, into ``view`` and count it in ``gains``.

        ``event_id`` is its own, or the one derived for it.
        """
        if view.session_id is None:
            view.session_id = event.session_id
        if view.device_id is None:
            view.device_id = event.device_id
        if view.user_id is None:
            view.user_id = event.user_id
        if context != view.context and None in view.context:
            merged = _first_named(view.context, context)
            if merged != view.context:
                view.context = merged
                self._reslice(view)
        self._handlers[type(event)](view, event, event_id, context, at_ms, gains)

    def count_alone(self, event: Event, context: Context, gains: Gains) -> None:
        """Count an event that names no viewer: it belongs to no view and stands for itself."""
        data = event.data
        rendition: str | None = getattr(data, "rendition", None)
        codec: str | None = getattr(data, "codec", None)
        entry_point: str | None = getattr(data, "entry_point", None)
        figures = gains[self.table.get((rendition, codec, entry_point, *context))]
        if isinstance(event, Impression):
            figures.sums[IMPRESSIONS] += 1
        elif isinstance(event, PlayStart):
            self.count_play(figures, event.data.startup_time)
        elif isinstance(event, Completion):
            figures.sums[COMPLETIONS] += 1
        elif isinstance(event, Rebuffer):
            figures.sums[REBUFFERS] += 1
            figures.sums[REBUFFER_MS] += event.data.duration
        elif isinstance(event, QualityChange):
            if self._count_switch(event) == DOWN:
                figures.sums[DOWNSHIFTS] += 1
        elif isinstance(event, PlaybackError):
            self._counters.add_error(str(event.data.error_code))

    def _reslice(self, view: View) -> None:
        view.slices = self.table.get((view.rendition, view.codec, view.entry_point, *view.context))

    def _slices_of(self, view: View, context: Context, rendition: str | None = None) -> Slices:
        if context != view.context:
            context = _first_named(context, view.context)
        if context == view.context and (rendition is None or rendition == view.rendition):
            return view.slices
        return self.table.get((rendition or view.rendition, view.codec, view.entry_point, *context))

    def _impression(
        self,
        view: View,
        event: Impression,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> None:
        data = event.data
        if not view.impression:
            view.impression = True
            view.position = data.position
            view.feed_id = data.feed_id
            if data.entry_point is not None:
                view.entry_point = data.entry_point
                self._reslice(view)
        if data.entry_point != "search":
            view.attempted = True
        gains[self._slices_of(view, context)].sums[IMPRESSIONS] += 1

    def _play_start(
        self,
        view: View,
        event: PlayStart,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> None:
        view.attempted = True
        if view.started_at_ms is None:
            self.start(view, event.data, event_id, at_ms)
            self.count_play(gains[self._slices_of(view, context)], event.data.startup_time)
        elif view.restart is None and at_ms > view.started_at_ms:
            view.restart = Restart(at_ms, event_id, event.data, counted=False)
        elif view.restart is None and at_ms < view.started_at_ms:
            later = PlayStartData(view.startup_ms or 0, view.rendition, view.codec, view.autoplay)
            view.restart = Restart(view.started_at_ms, view.started_by, later, counted=True)
            self.start(view, event.data, event_id, at_ms)

    def start(self, view: View, data: PlayStartData, event_id: str, at_ms: int) -> None:
        """Give ``view`` its first frame, without counting a play."""
        view.attempted = True
        view.started_at_ms = at_ms
        view.started_by = event_id
        view.startup_ms = data.startup_time
        view.rendition = data.rendition
        view.codec = data.codec
        view.autoplay = data.autoplay
        self._reslice(view)
        playing.start(view, at_ms)

    def count_play(self, figures: Figures, startup_ms: int) -> None:
        """Count a play with its startup time."""
        figures.sums[PLAYS] += 1
        figures.sums[STARTUP_MS] += startup_ms
        bucket = bucket_of(startup_ms)
        figures.startups[bucket] = figures.startups.get(bucket, 0) + 1
        self._counters.startup.observe(startup_ms)

    def _watch_progress(
        self,
        view: View,
        event: WatchProgress,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> None:
        data = event.data
        view.attempted = True
        view.duration_ms = round(data.duration * 1000)
        played_ms = playing.advance(view, round(data.current_time * 1000), at_ms)
        if played_ms:
            gains[self._slices_of(view, context, data.rendition)].sums[WATCH_MS] += played_ms

    def _completion(
        self,
        view: View,
        event: Completion,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> None:
        data = event.data
        view.attempted = True
        slices = self._slices_of(view, context)
        correction_ms = playing.correct(view, round(data.watch_time * 1000), at_ms)
        playing.reach_end(view, at_ms, data.looped)
        if correction_ms:
            gains[slices].sums[WATCH_MS] += correction_ms
        view.loop_count = max(view.loop_count, data.loop_count or 0, int(data.looped))
        if not view.completed:
            view.completed = True
            view.first_completion_at_ms = view.last_completion_at_ms = at_ms
            gains[slices].sums[COMPLETIONS] += 1
        else:
            view.first_completion_at_ms = min(view.first_completion_at_ms, at_ms)
            view.last_completion_at_ms = max(view.last_completion_at_ms, at_ms)

    def _swipe(
        self, view: View, event: Swipe, event_id: str, context: Context, at_ms: int, gains: Gains
    ) -> None:
        view.attempted = True
        correction_ms = playing.correct(view, round(event.data.watch_time * 1000), at_ms)
        if correction_ms:
            gains[self._slices_of(view, context)].sums[WATCH_MS] += correction_ms

    def _rebuffer(
        self, view: View, event: Rebuffer, event_id: str, context: Context, at_ms: int, gains: Gains
    ) -> None:
        data = event.data
        view.attempted = True
        view.rebuffers += 1
        view.rebuffer_ms += data.duration
        playing.stall(view, data.duration, at_ms)
        sums = gains[self._slices_of(view, context, data.rendition)].sums
        sums[REBUFFERS] += 1
        sums[REBUFFER_MS] += data.duration

    def _quality_change(
        self,
        view: View,
        event: QualityChange,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> None:
        view.attempted = True
        way = self._count_switch(event)
        if way == UP:
            view.upshifts += 1
        elif way == DOWN:
            view.downshifts += 1
            gains[self._slices_of(view, context)].sums[DOWNSHIFTS] += 1

    def _count_switch(self, event: QualityChange) -> str:
        way = direction(event.data.from_quality, event.data.to_quality)
        self._counters.quality_changes[way] += 1
        return way

    def _error(
        self,
        view: View,
        event: PlaybackError,
        event_id: str,
        context: Context,
        at_ms: int,
        gains: Gains,
    ) -> None:
        view.attempted = True
        view.errors += 1
        view.fatal = view.fatal or event.data.fatal is True
        self._counters.add_error(str(event.data.error_code))

    def _like(
        self, view: View, event: Like, event_id: str, context: Context, at_ms: int, gains: Gains
    ) -> None:
        view.attempted = view.liked = True

    def _save(
        self, view: View, event: Save, event_id: str, context: Context, at_ms: int, gains: Gains
    ) -> None:
        view.attempted = view.saved = True

    def _share(
        self, view: View, event: Share, event_id: str, context: Context, at_ms: int, gains: Gains
    ) -> None:
        view.attempted = view.shared = True
        view.share_platform = event.data.platform


def _first_named(first: Context, second: Context) -> Context:
    return tuple(a if a is not None else b for a, b in zip(first, second, strict=True))
