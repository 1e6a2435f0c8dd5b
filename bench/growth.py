"""Whether the cost of an event stays the same as what is remembered grows.

Both sides of a case, a small one and a large one, live in one process and take in records by turns,
so that whatever else the machine does slows down both. Of each side the least round counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from app.runtime import tune_runtime
from bench.crowd import START_MS, Crowd
from bench.dedupe import digests
from bench.fresh_process import in_fresh_process
from bench.partition import BenchPartition
from tables.dedupe import HOUR_MS

_IDS_PIECE = 500_000
_DEDUPE_HOURS = 24


@dataclass(frozen=True, slots=True)
class Size:
    """What one side of a case holds; whatever is not its subject is the same on both sides."""

    sessions: int = 10_000
    contents: int = 10_000
    ids: int = 0
    values: int = 3


@dataclass(frozen=True, slots=True)
class Case:
    """Two sizes that differ in one thing."""

    small: Size
    large: Size

    def scaled(self, share: float) -> "Case":
        """With only a share of what the large side has more of."""
        changes = {
            field.name: max(small, round(large * share))
            for field in fields(Size)
            if (large := getattr(self.large, field.name))
            != (small := getattr(self.small, field.name))
        }
        return replace(self, large=replace(self.large, **changes))

    def label(self, name: str) -> str:
        """The subject's size on both sides, in words."""
        small, large = (getattr(size, name) for size in (self.small, self.large))
        return f"{name} {small:,} to {large:,}"


CASES = {
    "contents": Case(Size(contents=1_000), Size(contents=1_000_000)),
    "sessions": Case(Size(sessions=10_000), Size(sessions=1_000_000)),
    "ids": Case(Size(ids=0), Size(ids=20_000_000)),
    "values": Case(Size(values=1), Size(values=50)),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of the events, and of what is done each second of server time however many come."""

    take_in_us: float
    """Applying one event, publications about contents included."""
    publication_us: float
    """Publishing the panes once."""
    gains_per_event: float
    """Gains of one content in one minute that were published, per event."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One case. The ratio is of the large side's time per event to the small one's."""

    small: Cost
    large: Cost
    ratio: float


def measure_growth(case: Case, events: int, rounds: int) -> Growth:
    """Let both sides take in ``events`` records ``rounds`` times, by turns, in a fresh process."""
    return in_fresh_process(_measure, case, events, rounds)


def _measure(case: Case, events: int, rounds: int) -> Growth:
    tune_runtime()
    sides = [_Side(case.small), _Side(case.large)]
    costs: list[list[Cost]] = [[], []]
    for number in range(rounds):
        # By turns the one and the other first: neither always finds the caches of the other.
        for place in (0, 1) if number % 2 else (1, 0):
            costs[place].append(sides[place].take_in(events))
    small, large = (min(found, key=lambda cost: cost.take_in_us) for found in costs)
    return Growth(small, large, round(large.take_in_us / small.take_in_us, 3))


class _Side:
    def __init__(self, size: Size) -> None:
        self._crowd = Crowd(size.sessions, size.contents, size.values)
        self._partition = BenchPartition()
        for hour, ids in _remembered(size.ids):
            self._partition.owned.state.dedupe.load(hour, ids)
        for records in self._crowd.opening():
            self._partition.take_in(records)
        if (views := self._partition.owned.state.views.open_views) != size.sessions:
            raise AssertionError(f"{views} views are open")

    def take_in(self, events: int) -> Cost:
        outputs = self._partition.outputs
        outputs.forget()
        spent = self._partition.take_in(self._crowd.events(events))
        # Of few records none may have been due; so there is always one at the end.
        publish_seconds = spent.publish_seconds + self._partition.publish()
        return Cost(
            round(spent.apply_seconds / events * 1e6, 3),
            round(publish_seconds / (spent.publications + 1) * 1e6, 1),
            round(outputs.content_gains() / events, 3),
        )


def _remembered(ids: int) -> Iterator[tuple[int, bytes]]:
    """Ids of the hours before, as a checkpoint has them."""
    first_hour = START_MS // HOUR_MS - _DEDUPE_HOURS
    for at in range(0, ids, _IDS_PIECE):
        numbers = np.arange(at, min(at + _IDS_PIECE, ids), dtype=np.uint64)
        yield first_hour + at * _DEDUPE_HOURS // ids, digests(numbers).tobytes()
