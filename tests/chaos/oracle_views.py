"""The views of one partition and what they add to the figures: the oracle's own way.

One event after the other, in the order of arrival, which has to be that of the events' times.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count as count_from
from typing import Any

from tests.chaos.oracle_rules import TYPES, iso

PANE_MS = 10_000
LOOP_SLACK_MS = 2_000
CONTEXT = ("platform", "country", "networkType", "cdn", "appVersion")
DIMENSIONS = ("rendition", "codec", "entryPoint", *CONTEXT)
OPTIONAL = (
    *("position", "entryPoint", "feedId", "startupMs", "rendition", "codec", "autoplay"),
    *("sharePlatform", "nextContentId"),
)

Slice = tuple[str, ...]
Count = Callable[[int, Slice, str, int], None]
"""Adds an amount of a figure to a pane (its start in ms) and a combination of values."""


@dataclass(eq=False)
class View:
    """A view, with the fields of its record."""

    viewer: str
    content: str
    opening_id: str
    opened_ms: int
    seen_ms: int
    context: list[str | None]
    record: dict[str, Any] = field(default_factory=dict)
    acted: bool = False
    tried: bool = False
    searched: bool = False
    shown: bool = False
    started_ms: int | None = None
    fatal: bool = False
    watch_ms: int = 0
    confirmed_ms: int = 0
    anchor: tuple[int, int] | None = None
    stalled_ms: int = 0
    duration_ms: int = 0
    ended_by: str | None = None
    ended_ms: int = 0
    ended_clock_ms: int = 0
    counted: frozenset[str] = frozenset()
    counted_slice: Slice = ()


class Viewer:
    """Who watches: open views by content, and ended ones that wait."""

    def __init__(self) -> None:
        self.open: dict[str, View] = {}
        self.waiting: list[View] = []
        self.active: tuple[int, Slice] | None = None


class Views:
    """All viewers of a partition.

    Args:
        publish: called with each view that is over for good.
    """

    def __init__(
        self, timeout_ms: int, straggler_ms: int, count: Count, publish: Callable[[View], None]
    ) -> None:
        self._timeout_ms = timeout_ms
        self._straggler_ms = straggler_ms
        self._tail_ms = min(10_000, straggler_ms // 3)
        self._count = count
        self._publish = publish
        self._viewers: dict[str, Viewer] = defaultdict(Viewer)
        self._now_ms = 0
        self._timers: list[tuple[int, int, View]] = []
        self._numbers = count_from()

    def move_clock(self, now_ms: int) -> None:
        """End and publish what is due until then, the earliest first."""
        while self._timers and self._timers[0][0] <= now_ms:
            due_ms, _, view = heappop(self._timers)
            self._now_ms = due_ms
            viewer = self._viewers[view.viewer]
            if view.ended_by is None and view.seen_ms + self._timeout_ms > due_ms:
                self._wake(view.seen_ms + self._timeout_ms, view)
            elif view.ended_by is None:
                self._end(viewer, view, "timed_out", due_ms)
            elif view in viewer.waiting and view.ended_clock_ms + self._straggler_ms <= due_ms:
                viewer.waiting.remove(view)
                if _is_attempt(view):
                    self._publish(view)
        self._now_ms = now_ms

    def _wake(self, due_ms: int, view: View) -> None:
        heappush(self._timers, (due_ms, next(self._numbers), view))

    def follow(self, event: dict[str, Any], event_id: str, at_ms: int, pane_ms: int) -> None:
        """Take in one accepted event."""
        name = event["event"]
        context = [event.get(key) for key in CONTEXT]
        viewer_id = _viewer_of(event)
        viewer = self._viewers[viewer_id]
        data = event.get("data") or {}
        content = data["fromContentId"] if name == "swipe" else event["contentId"]
        if name not in TYPES:
            view = viewer.open.get(content)
            if view is not None:
                view.seen_ms = self._now_ms
            values = _slice(None, context) if view is None else _slice(view, view.context)
        else:
            view = self._view_of(viewer, name, content, at_ms)
            if view is None:
                view = View(viewer_id, content, event_id, at_ms, self._now_ms, list(context))
                viewer.open[content] = view
                self._wake(self._now_ms + self._timeout_ms, view)
            else:
                view.seen_ms = self._now_ms
            self._apply(viewer, view, name, event, data, context, at_ms, pane_ms)
            values = _slice(view, view.context)
        if event.get("sessionId") is not None:
            before = viewer.active
            if before is None or pane_ms > before[0]:
                if before is not None:
                    self._count(*before, "activeViewers", -1)
                self._count(pane_ms, values, "activeViewers", 1)
                viewer.active = pane_ms, values

    def _view_of(self, viewer: Viewer, name: str, content: str, at_ms: int) -> View | None:
        """The view that an event belongs to: the open one, or an ended one that still waits."""
        view = viewer.open.get(content)
        if view is not None:
            return view
        waiting = [v for v in viewer.waiting if v.content == content]
        if not waiting:
            return None
        if name in ("impression", "playStart"):
            before_end = [v for v in waiting if at_ms < v.ended_ms]
            return before_end[0] if before_end else None
        return waiting[-1] if at_ms < waiting[-1].ended_ms + self._tail_ms else None

    def _apply(
        self,
        viewer: Viewer,
        view: View,
        name: str,
        event: dict[str, Any],
        data: dict[str, Any],
        context: list[str | None],
        at_ms: int,
        pane_ms: int,
    ) -> None:
        record = view.record
        for key in ("sessionId", "deviceId", "userId"):
            if record.get(key) is None:
                record[key] = event.get(key)
        view.context = [
            old if old is not None else new for old, new in zip(view.context, context, strict=True)
        ]
        if name == "impression" and data.get("entryPoint") == "search":
            view.searched = True
        elif name in ("impression", "playStart", "error", "swipe"):
            view.tried = True
        else:
            view.acted = True

        def count(figure: str, amount: int, rendition: str | None = None) -> None:
            own = [a if a is not None else b for a, b in zip(context, view.context, strict=True)]
            self._count(pane_ms, _slice(view, own, rendition), figure, amount)

        if name == "impression":
            if not view.shown:
                view.shown = True
                record |= {key: data.get(key) for key in ("position", "entryPoint", "feedId")}
            count("impressions", 1)
        elif name == "playStart":
            if view.started_ms is None:
                view.started_ms = at_ms
                record["startupMs"] = data["startupTime"]
                record |= {key: data.get(key) for key in ("rendition", "codec", "autoplay")}
                view.anchor = view.anchor or (at_ms, 0)
                count("plays", 1)
                count(f"startup:{data['startupTime']}", 1)
            self._left_for(viewer, view, at_ms)
        elif name == "watchProgress":
            view.duration_ms = round(data["duration"] * 1000)
            count(
                "watchMs",
                _advance(view, round(data["currentTime"] * 1000), at_ms),
                data.get("rendition"),
            )
        elif name == "completion":
            count("watchMs", _correct(view, round(data["watchTime"] * 1000), at_ms))
            if view.anchor is None or at_ms >= view.anchor[0]:
                view.anchor = at_ms, 0 if data["looped"] else view.duration_ms
                view.stalled_ms = 0
            loops = max(record.get("loopCount", 0), data.get("loopCount") or 0, int(data["looped"]))
            record["loopCount"] = loops
            if not record.get("completed"):
                record["completed"] = True
                count("completions", 1)
        elif name == "swipe":
            count("watchMs", _correct(view, round(data["watchTime"] * 1000), at_ms))
            self._leave(viewer, view, "swiped", at_ms, data["toContentId"])
        elif name == "rebuffer":
            record["rebufferCount"] = record.get("rebufferCount", 0) + 1
            record["rebufferMs"] = record.get("rebufferMs", 0) + data["duration"]
            if view.anchor is not None and at_ms > view.anchor[0]:
                view.stalled_ms += data["duration"]
            count("rebuffers", 1, data.get("rendition"))
            count("rebufferMs", data["duration"], data.get("rendition"))
        elif name == "qualityChange":
            before, after = (_lines(data[key]) for key in ("fromQuality", "toQuality"))
            if after > before > 0:
                record["upshifts"] = record.get("upshifts", 0) + 1
            elif before > after > 0:
                record["downshifts"] = record.get("downshifts", 0) + 1
                count("downshifts", 1)
        elif name == "error":
            record["errors"] = record.get("errors", 0) + 1
            view.fatal = view.fatal or data.get("fatal") is True
        else:
            record[{"like": "liked", "save": "saved", "share": "shared"}[name]] = True
            if name == "share":
                record["sharePlatform"] = data["platform"]
        self._recount(view)

    def _left_for(self, viewer: Viewer, started: View, at_ms: int) -> None:
        """A first frame ends the viewer's views of other contents."""
        for other in [*viewer.open.values(), *viewer.waiting]:
            if other.content != started.content and other.opened_ms <= at_ms:
                self._leave(viewer, other, "replaced", at_ms, started.content)

    def _leave(self, viewer: Viewer, view: View, how: str, at_ms: int, to: str) -> None:
        if view.ended_by is None:
            self._end(viewer, view, how, at_ms)
        elif at_ms < view.ended_ms:
            view.ended_by, view.ended_ms = how, at_ms
        elif how == "swiped" and view.ended_by == "replaced":
            view.ended_by = how
        else:
            return
        view.record["nextContentId"] = to

    def _end(self, viewer: Viewer, view: View, how: str, at_ms: int) -> None:
        view.ended_by, view.ended_ms, view.ended_clock_ms = how, at_ms, self._now_ms
        del viewer.open[view.content]
        viewer.waiting.append(view)
        self._wake(self._now_ms + self._straggler_ms, view)
        self._recount(view)

    def _recount(self, view: View) -> None:
        """Figures about ended views, in the pane of the moment at which the view ended."""
        if view.ended_by is None or not _is_attempt(view):
            return
        started, errors = view.started_ms is not None, bool(view.record.get("errors"))
        holds = {
            "endedViews": True,
            "startedViews": started,
            "rebufferedViews": started and bool(view.record.get("rebufferCount")),
            "exitsBeforeStart": view.shown and not started and not errors,
            "startFailures": view.shown and not started and errors,
            "playbackFailures": started and view.fatal,
        }
        now = frozenset(name for name, is_so in holds.items() if is_so)
        values = _slice(view, view.context)
        pane_ms = view.ended_clock_ms // PANE_MS * PANE_MS
        for name in view.counted:
            self._count(pane_ms, view.counted_slice, name, -1)
        for name in now:
            self._count(pane_ms, values, name, 1)
        view.counted, view.counted_slice = now, values


def record_of(view: View) -> dict[str, Any]:
    """The record of the ``views`` topic, without its id."""
    known = view.record
    duration = view.duration_ms
    defaults: dict[str, Any] = dict.fromkeys(OPTIONAL)
    defaults |= dict.fromkeys(("completed", "liked", "saved", "shared"), False)
    defaults |= dict.fromkeys(
        ("loopCount", "rebufferCount", "rebufferMs", "upshifts", "downshifts", "errors"), 0
    )
    return (
        defaults
        | known
        | {
            "contentId": view.content,
            "startedAt": iso(view.opened_ms),
            "endedAt": iso(view.ended_ms),
            "outcome": _outcome(view),
            "watchSeconds": view.watch_ms / 1000,
            "durationSeconds": duration / 1000 if duration else None,
            "percentWatched": min(1.0, round(view.watch_ms / duration, 4)) if duration else None,
            **dict(zip(CONTEXT, view.context, strict=True)),
        }
    )


def _is_attempt(view: View) -> bool:
    """An impression in search results needs a play, an error or a swipe to be one."""
    return view.tried or (view.acted and not view.searched)


def _outcome(view: View) -> str | None:
    if view.record.get("completed"):
        return "completed"
    started = view.started_ms is not None
    if view.fatal or (view.record.get("errors") and not started):
        return "failed"
    return view.ended_by if started else "never_started"


def _viewer_of(event: dict[str, Any]) -> str:
    for key in ("sessionId", "deviceId", "userId"):
        if event.get(key) is not None:
            return f"{key}={event[key]}"
    raise AssertionError("a chaos run sends no event without a viewer")


def _slice(view: View | None, context: list[str | None], rendition: str | None = None) -> Slice:
    record = {} if view is None else view.record
    values = [rendition or record.get("rendition"), record.get("codec"), record.get("entryPoint")]
    return tuple(value or "unknown" for value in [*values, *context])


def _lines(quality: str) -> int:
    """The height of a rendition such as 720p; 0 of one that does not tell."""
    return int(re.sub(r"\D", "", quality) or 0)


def _advance(view: View, position_ms: int, at_ms: int) -> int:
    """Playing time since the last position: its gain, and no more than the time that passed."""
    if view.anchor is None:
        view.anchor = at_ms, position_ms
        return 0
    before_ms, before_position_ms = view.anchor
    if at_ms <= before_ms:
        return 0
    elapsed_ms = max(0, at_ms - before_ms - view.stalled_ms)
    gain_ms = position_ms - before_position_ms
    if gain_ms < 0:
        around_ms = view.duration_ms + gain_ms
        gain_ms = around_ms if 0 < around_ms <= elapsed_ms + LOOP_SLACK_MS else 0
    view.anchor, view.stalled_ms = (at_ms, position_ms), 0
    played_ms = min(gain_ms, elapsed_ms)
    view.watch_ms += played_ms
    return played_ms


def _correct(view: View, total_ms: int, at_ms: int) -> int:
    """Take over the player's own total; the correction."""
    total_ms = max(total_ms, view.confirmed_ms)
    correction_ms = total_ms - view.watch_ms
    view.watch_ms = view.confirmed_ms = total_ms
    if view.anchor is None or at_ms > view.anchor[0]:
        view.anchor = at_ms, 0 if view.anchor is None else view.anchor[1]
        view.stalled_ms = 0
    return correction_ms
