"""Merges the panes of all partitions into rolling windows."""

from collections.abc import Iterator, Sequence

from models.dimensions import ALL, OTHER, UNKNOWN
from models.figures import PLAYS, Figures, new_figures
from models.partials import Partial

MAX_EXPORTED_VALUES = 50


class RollingDimension:
    """The rolling windows of one dimension, over all partitions.

    Idempotent: of each pane, partition and value the newest publication counts, whatever is
    repeated. A window's sums are kept up to date by what each publication changes and by the panes
    that enter and leave, so the cost follows the changes and not the size of the windows.

    Args:
        windows_ms: the lengths of the windows, rising.
        kept_ms: how long panes are kept for late changes: the longest window plus a grace.
    """

    def __init__(self, name: str, windows_ms: Sequence[int], kept_ms: int) -> None:
        self.name = name
        self.clock_ms = -1
        self._windows_ms = tuple(windows_ms)
        self._kept_ms = kept_ms
        self._panes: dict[int, dict[str, Figures]] = {}
        self._sources: dict[int, dict[tuple[int, str], tuple[int, Figures]]] = {}
        self._sums: tuple[dict[str, Figures], ...] = tuple({} for _ in windows_ms)
        if name == ALL:
            for sums in self._sums:
                sums[""] = new_figures()

    def merge(self, partial: Partial) -> None:
        """Take in one publication of one partition."""
        if partial.clock_ms > self.clock_ms:
            self._move_clock(partial.clock_ms)
        for pane in partial.panes:
            start_ms = pane.start_ms
            if start_ms <= self.clock_ms - self._kept_ms:
                continue
            sources = self._sources.setdefault(start_ms, {})
            for value, figures in pane.values.items():
                before = sources.get((partial.partition, value))
                if before is not None and before[0] > partial.upto:
                    continue
                sources[partial.partition, value] = (partial.upto, figures)
                self._change(start_ms, value, figures, None if before is None else before[1])

    def slices(self, window: int) -> Iterator[tuple[str, Figures]]:
        """The values of one window with their figures, the heaviest by plays under their own
        names and the rest together under ``other``.

        ``window`` is an index into ``windows_ms``. Which values are the heaviest is decided by
        the longest window, so that a value has its own name in all of them or in none.
        """
        sums = self._sums[window]
        if self.name == ALL:
            yield "", sums[""]
            return
        rest: Figures | None = None
        named = self._heaviest()
        for value in sorted(sums):
            if value in named:
                yield value, sums[value]
                continue
            if rest is None:
                rest = new_figures()
            rest.add(sums[value])
        if rest is not None and not rest.is_empty():
            yield OTHER, rest

    def _heaviest(self) -> set[str]:
        longest = self._sums[-1]
        named = longest.keys() - {OTHER, UNKNOWN}
        if len(named) > MAX_EXPORTED_VALUES:
            ranked = sorted(named, key=lambda value: (-longest[value].sums[PLAYS], value))
            named = set(ranked[:MAX_EXPORTED_VALUES])
        return named | {UNKNOWN}

    def _change(self, start_ms: int, value: str, figures: Figures, before: Figures | None) -> None:
        merged = self._panes.setdefault(start_ms, {})
        targets = [merged]
        targets += [
            sums
            for sums, window_ms in zip(self._sums, self._windows_ms, strict=True)
            if start_ms > self.clock_ms - window_ms
        ]
        change = figures if before is None else figures.since(before)
        for values in targets:
            total = values.get(value)
            if total is None:
                total = values[value] = new_figures()
            total.add(change)

    def _move_clock(self, clock_ms: int) -> None:
        """Slide every window on: panes that start at or before its edge leave it."""
        before_ms, self.clock_ms = self.clock_ms, clock_ms
        for sums, window_ms in zip(self._sums, self._windows_ms, strict=True):
            for start_ms in self._panes:
                if before_ms - window_ms < start_ms <= clock_ms - window_ms:
                    for value, figures in self._panes[start_ms].items():
                        # A value whose sum was empty for a moment is not in the sums.
                        sums.setdefault(value, new_figures()).subtract(figures)
            if self.name != ALL:
                for value in [value for value, total in sums.items() if total.is_empty()]:
                    del sums[value]
        for start_ms in [s for s in self._panes if s <= clock_ms - self._kept_ms]:
            del self._panes[start_ms]
            self._sources.pop(start_ms, None)
