"""The panes of one partition: 10 s buckets of figures, per value of each dimension."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, final

import msgspec
from mypy_extensions import mypyc_attr

from models.adding import add_counts
from models.dimensions import ALL, DIMENSIONS, OTHER, Slices
from models.figures import SUMS, Figures
from tables.counters import Counters

PANE_MS: Final = 10_000
MAX_VALUES: Final = 1_000
"""Values of one dimension that one pane of one partition tells apart; the rest is ``other``."""

_NOTHING: Final = [0] * SUMS
_NONE_MS: Final = -1
_Totals = dict[str, dict[str, Figures]]
_Changed = dict[str, set[str]]
"""By dimension, the values of which the figures changed."""
_encode_totals = msgspec.msgpack.Encoder().encode
_decode_totals = msgspec.msgpack.Decoder(_Totals).decode


@final
@mypyc_attr(acyclic=True)
class Gain:
    """What one combination of dimension values gained, as :class:`Figures` has it: these are not
    written anywhere, and take less time to reach."""

    __slots__ = ("startups", "sums")

    def __init__(self) -> None:
        self.sums = _NOTHING.copy()
        self.startups: dict[int, int] = {}


@final
class Gains:
    """What a pane gained since it was last folded, per combination of dimension values."""

    __slots__ = ("by_slices",)

    def __init__(self) -> None:
        self.by_slices: dict[Slices, Gain] = {}

    def of(self, slices: Slices) -> Gain:
        """Where to add what one combination gains."""
        gain = self.by_slices.get(slices)
        if gain is None:
            gain = self.by_slices[slices] = Gain()
        return gain


class Pane:
    """The figures of 10 s: what was folded in, per dimension and value, and what is new."""

    __slots__ = ("gains", "totals")

    def __init__(self, dimensions: Sequence[str]) -> None:
        self.gains = Gains()
        self.totals: _Totals = {name: {} for name in dimensions}


def pane_of(timestamp_ms: int) -> int:
    """The start of the pane that a moment belongs to, in milliseconds."""
    return timestamp_ms - timestamp_ms % PANE_MS


class PaneStore:
    """The panes of a partition that are inside the longest window, plus a grace.

    On the hot path an event touches one :class:`Gain` at a time; the spreading over dimensions
    happens once per fold, so it costs per combination of values and not per event.
    """

    def __init__(self, kept_ms: int, dimensions: Sequence[str], counters: Counters) -> None:
        self._kept_ms = kept_ms
        self._breakdowns = tuple((name, DIMENSIONS.index(name)) for name in dimensions)
        self.dimensions = (ALL, *dimensions)
        """``all`` and the breakdowns."""
        self._counters = counters
        self._panes: dict[int, Pane] = {}
        self._changed: dict[int, _Changed] = {}
        self._late = Gains()
        self._last_ms = _NONE_MS
        self._last_gains = self._late
        self._unsaved: set[int] = set()
        self._cut: set[int] = set()
        self.horizon_ms = -1
        """Panes starting at or before this are gone."""

    def gains(self, pane_ms: int) -> Gains:
        """Where to add what the pane starting at ``pane_ms`` gains.

        Of a pane that is gone, gains reach the counters alone.
        """
        if pane_ms == self._last_ms:
            return self._last_gains
        pane = self._panes.get(pane_ms)
        if pane is None:
            if pane_ms <= self.horizon_ms:
                return self._late
            pane = self._panes[pane_ms] = Pane(self.dimensions)
        self._last_ms, self._last_gains = pane_ms, pane.gains
        return pane.gains

    def forget_before(self, clock_ms: int) -> list[int]:
        """Drop the panes that left the longest window and the grace; the starts of those."""
        self.horizon_ms = clock_ms - self._kept_ms
        self._last_ms = _NONE_MS
        gone = sorted(start for start in self._panes if start <= self.horizon_ms)
        for start in gone:
            for gain in self._panes.pop(start).gains.by_slices.values():
                self._counters.add_sums(gain.sums)
            self._changed.pop(start, None)
        return gone

    def fold(self) -> None:
        """Spread what is new over the dimensions and count it."""
        for start, pane in self._panes.items():
            gains = pane.gains.by_slices
            if gains:
                changed = self._changed.get(start)
                if changed is None:
                    changed = self._changed[start] = {name: set() for name in self.dimensions}
                self._unsaved.add(start)
                for slices, gain in gains.items():
                    self._counters.add_sums(gain.sums)
                    self._spread(pane, slices, gain, changed)
                gains.clear()
        for gain in self._late.by_slices.values():
            self._counters.add_sums(gain.sums)
        self._late.by_slices.clear()

    def starts(self) -> Iterable[int]:
        """The starts of the panes that are kept, in milliseconds."""
        return self._panes.keys()

    def cut(self) -> list[tuple[int, bytes]]:
        """Start and totals of every pane that changed since the last confirmed cut."""
        self.fold()
        self._cut = {start for start in self._cut | self._unsaved if start in self._panes}
        self._unsaved = set()
        return [(start, _encode_totals(self._panes[start].totals)) for start in sorted(self._cut)]

    def confirm(self) -> None:
        """What the last cut returned is durable."""
        self._cut.clear()

    def load(self, start_ms: int, totals: bytes) -> None:
        """Restore a pane from what a cut returned. Dimensions that are not wanted any more go."""
        pane = self._panes[start_ms] = Pane(self.dimensions)
        self._last_ms = _NONE_MS
        saved = _decode_totals(totals)
        pane.totals.update({name: saved[name] for name in self.dimensions if name in saved})

    def take_changes(self) -> Iterator[tuple[int, _Totals]]:
        """Per changed pane its start and, by dimension and value, the cumulative figures.

        The figures are the store's own: encode them before the next fold.
        """
        self.fold()
        changed, self._changed = self._changed, {}
        for start, values_by_name in sorted(changed.items()):
            totals = self._panes[start].totals
            yield (
                start,
                {
                    name: {value: totals[name][value] for value in sorted(values)}
                    for name, values in sorted(values_by_name.items())
                },
            )

    def _spread(self, pane: Pane, slices: Slices, gain: Gain, changed: _Changed) -> None:
        gained = _Gained(gain.sums, gain.startups)
        gained.add_to(pane.totals[ALL], "")
        changed[ALL].add("")
        for name, index in self._breakdowns:
            values = pane.totals[name]
            value = slices.values[index]
            if len(values) >= MAX_VALUES and value not in values:
                value = OTHER
            gained.add_to(values, value)
            changed[name].add(value)


@final
class _Gained:
    """Figures that are added in several places: most of them are 0, and looked at once."""

    __slots__ = ("_amounts", "_places", "_startups", "_sums")

    def __init__(self, sums: list[int], startups: dict[int, int]) -> None:
        self._sums = sums
        self._startups = startups
        self._places: list[int] = []
        self._amounts: list[int] = []
        for place, amount in enumerate(sums):
            if amount:
                self._places.append(place)
                self._amounts.append(amount)

    def add_to(self, values: dict[str, Figures], value: str) -> None:
        """Add them to the figures of one value."""
        total = values.get(value)
        if total is None:
            values[value] = Figures(self._sums.copy(), self._startups.copy())
            return
        sums: list[int] = total.sums
        amounts = self._amounts
        for number, place in enumerate(self._places):
            sums[place] += amounts[number]
        if self._startups:
            add_counts(total.startups, self._startups, 1)
