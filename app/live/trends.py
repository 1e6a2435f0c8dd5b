"""One figure of every slice over the last hour, at no more points than a small chart shows."""

from typing import NamedTuple

MAX_POINTS = 60
STEPS_MS = (5_000, 10_000, 30_000, 60_000)
"""The distance of two points: at first small, so that there is something to see soon, and in the
end so large that the points reach over an hour. Each is a multiple of the one before: otherwise the
grid would begin earlier with each that is tried, and be coarser than it has to."""
MAX_ENDED = 1_000
"""Slices without a value that are remembered, in case they come back."""


class SliceKey(NamedTuple):
    """A value of a dimension in a window."""

    window: str
    dimension: str
    value: str


class Trends:
    """The trends of all slices, on one grid of time. Times are milliseconds of server time."""

    def __init__(self) -> None:
        self.step_ms = STEPS_MS[0]
        self._samples: dict[SliceKey, dict[int, float | None]] = {}
        self._ended: dict[SliceKey, None] = {}
        self._first_ms: int | None = None
        self._last_ms = 0

    def add(self, key: SliceKey, at_ms: int, figure: float | None) -> None:
        """Take in a figure; the first one of a slice in a step is the point of that step."""
        bucket = self._bucket(at_ms)
        if self._first_ms is None:
            self._first_ms = self._last_ms = bucket
        if bucket > self._last_ms:
            self._last_ms = bucket
            self._make_room()
            bucket = self._bucket(at_ms)
        if bucket < self._first_ms:
            return
        self._ended.pop(key, None)
        self._samples.setdefault(key, {}).setdefault(bucket, figure)

    def end(self, key: SliceKey) -> None:
        """A slice has no value any more; of the many that came and went, the newest are kept."""
        if key in self._samples:
            self._ended.pop(key, None)
            self._ended[key] = None
            if len(self._ended) > MAX_ENDED:
                oldest = next(iter(self._ended))
                del self._ended[oldest]
                del self._samples[oldest]

    def trend(self, key: SliceKey, now: float | None) -> list[float | None]:
        """The points of a slice up to now, oldest first; None where it had no value.

        All slices have the same number of points, at most :data:`MAX_POINTS`; the last of them is
        ``now``, the figure of this moment.
        """
        if self._first_ms is None:
            return [now]
        samples = self._samples.get(key, {})
        buckets = range(self._first_ms, self._last_ms + 1, self.step_ms)
        points = [samples.get(bucket) for bucket in buckets]
        points[-1] = now
        return points

    def clear(self) -> None:
        """Forget everything."""
        self.step_ms = STEPS_MS[0]
        self._samples.clear()
        self._ended.clear()
        self._first_ms = None

    def _bucket(self, at_ms: int) -> int:
        return at_ms - at_ms % self.step_ms

    def _make_room(self) -> None:
        """Widen the grid, or let it begin later, until its points are few enough."""
        first_ms, step_ms = self._first_ms or 0, self.step_ms
        while self._last_ms - first_ms >= MAX_POINTS * self.step_ms:
            wider = [step for step in STEPS_MS if step > self.step_ms]
            if wider:
                self.step_ms = wider[0]
                first_ms = self._bucket(first_ms)
                self._last_ms = self._bucket(self._last_ms)
            else:
                first_ms = self._last_ms - (MAX_POINTS - 1) * self.step_ms
        if (first_ms, self.step_ms) != (self._first_ms, step_ms):
            self._first_ms = first_ms
            self._resample()

    def _resample(self) -> None:
        first_ms = self._first_ms or 0
        for key, samples in list(self._samples.items()):
            kept: dict[int, float | None] = {}
            for at_ms, figure in samples.items():
                if at_ms >= first_ms:
                    kept.setdefault(self._bucket(at_ms), figure)
            if kept:
                self._samples[key] = kept
            else:
                del self._samples[key]
                self._ended.pop(key, None)
