"""The messages of the live stream, each encoded once however many pages are open."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from app.live.feeds import LiveFeeds
from app.live.history import STEP_SECONDS
from app.live.windows_feed import Selection
from models.dimensions import ALL

_encode = msgspec.json.Encoder().encode

KEEP_ALIVE = b": keep-alive\n\n"


def frame(event: str, data: Any) -> bytes:
    """A server-sent event with ``data`` as one line of JSON."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), _encode(data))


class Frames:
    """What the streams send, of the feeds as they are.

    A page that asks for what another one has just been given gets the same bytes. Nothing is
    encoded while no page is open.

    Args:
        about: what the message ``settings`` says of the deployment.
        windows: labels, the shortest window first.
        wall_ms: the wall clock in milliseconds.
    """

    def __init__(
        self,
        feeds: LiveFeeds,
        windows: list[str],
        about: dict[str, Any],
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._feeds = feeds
        self._windows = windows
        self._about = about
        self._wall_ms = wall_ms
        self._now: tuple[int, bytes] = (-1, b"")
        self._breakdowns: dict[Selection, tuple[int, bytes]] = {}
        self._pipeline: tuple[int, bytes] = (-1, b"")
        self._points: tuple[tuple[int, int], bytes] = ((-1, -1), b"")

    def settings(self, selection: Selection) -> bytes:
        """What the page needs to know first."""
        chosen = {"window": selection.window, "dimension": selection.dimension}
        return frame("settings", {**self._about, **chosen})

    def history(self) -> tuple[int, bytes]:
        """The last hour, and the number of its last point."""
        history = self._feeds.windows.history
        data = {
            "window": self._windows[0],
            "stepSeconds": STEP_SECONDS,
            "points": list(history.points),
        }
        return history.taken, frame("history", data)

    def points(self, taken: int) -> tuple[int, bytes]:
        """The points after that number, and the number of the last one."""
        history = self._feeds.windows.history
        place = (taken, history.taken)
        if self._points[0] != place:
            points = history.after(taken)
            self._points = (place, b"".join(frame("point", point) for point in points))
        return history.taken, self._points[1]

    def now(self) -> tuple[int, bytes]:
        """The slice of everything in each window, and the version of that."""
        windows = self._feeds.windows
        selections = [Selection(window, ALL) for window in self._windows]
        version = sum(map(windows.version, selections))
        if version != self._now[0]:
            records = [msgspec.Raw(it.json) for one in selections for it in windows.slices(one)]
            self._now = (version, frame("now", {"clock": windows.clock, "windows": records}))
        return self._now

    def breakdown(self, selection: Selection) -> tuple[int, bytes]:
        """The slices of a selection with their trends, and the version of that."""
        windows = self._feeds.windows
        version = windows.version(selection)
        cached = self._breakdowns.get(selection)
        if cached is None or cached[0] != version:
            rows = [
                {"record": msgspec.Raw(found.json), "trend": windows.trend(found.record)}
                for found in windows.slices(selection)
            ]
            data = {"window": selection.window, "dimension": selection.dimension, "rows": rows}
            cached = self._breakdowns[selection] = (version, frame("breakdown", data))
        return cached

    def pipeline(self, second: int) -> bytes:
        """The state of the pipeline; computed once in a second, which is given by its number."""
        if second != self._pipeline[0]:
            pipeline = self._feeds.pipeline
            rejected = self._feeds.rejected.reasons(pipeline.clock_ms())
            state = pipeline.state(self._wall_ms(), rejected)
            self._pipeline = (second, frame("pipeline", state))
        return self._pipeline[1]
