"""What rolling windows and publications about contents cost, and what that follows.

Each comparison changes one thing and keeps the others: twenty times the events for the same slices
or contents must cost about the same, ten times the slices or contents about ten times as much.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agents.windows import Windows
from app.partitioner import partition_for
from app.runtime import tune_runtime
from app.settings import load_settings
from bench.crowd import GAP_MS, START_MS, Crowd, CrowdRecord
from bench.fresh_process import in_fresh_process
from bench.partition import PARTITIONS, BenchPartition
from tables.content_gains import ContentGains

SECOND_MS = 1_000
FEW_VALUES = 5
MANY_VALUES = 50
MANY_TIMES = 20
TEN_TIMES = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """CPU time in microseconds per second of server time (windows) or per publication (contents)
    of two sides; ``times`` is by how much their subject differs."""

    small_us: float
    large_us: float
    times: float

    @property
    def ratio(self) -> float:
        """Of the large side to the small one."""
        return self.large_us / self.small_us


def measure_windows(rounds: int, events: int) -> dict[str, Comparison]:
    """The windows agent's second, the least of ``rounds`` by turns, in a fresh process.

    ``events`` are those per second of server time on the side with fewer.
    """
    return in_fresh_process(_measure_windows, rounds, events)


def measure_contents(rounds: int, contents: int) -> dict[str, Comparison]:
    """A publication about ``contents`` contents or ten times as many, likewise."""
    return in_fresh_process(_measure_contents, rounds, contents)


def _measure_windows(rounds: int, events: int) -> dict[str, Comparison]:
    tune_runtime()
    sides = [
        _WindowsSide(events, FEW_VALUES),
        _WindowsSide(MANY_TIMES * events, FEW_VALUES),
        _WindowsSide(MANY_TIMES * events, MANY_VALUES),
    ]
    few, many_events, many_slices = _least([side.second_us for side in sides], rounds)
    times = round(sides[2].slices() / sides[1].slices(), 2)
    return {
        "windows, 20 times the events": Comparison(few, many_events, MANY_TIMES),
        "windows, more slices": Comparison(many_events, many_slices, times),
    }


def _measure_contents(rounds: int, contents: int) -> dict[str, Comparison]:
    tune_runtime()
    sides = [
        _ContentsSide(contents, contents),
        _ContentsSide(contents, MANY_TIMES * contents),
        _ContentsSide(TEN_TIMES * contents, MANY_TIMES * contents),
    ]
    few, many_events, many_contents = _least([side.publication_us for side in sides], rounds)
    return {
        "contents, 20 times the events": Comparison(few, many_events, MANY_TIMES),
        "contents, 10 times the contents": Comparison(many_events, many_contents, TEN_TIMES),
    }


def _least(measures: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    found = [[measure() for measure in measures] for _ in range(rounds)]
    return [min(of_side) for of_side in zip(*found, strict=True)]


class _WindowOutputs:
    def window(self, *_: object) -> None: ...

    async def wait_room(self) -> None: ...


class _WindowsSide:
    """The windows agent fed by one partition."""

    def __init__(self, events_per_second: int, values: int) -> None:
        settings = load_settings({})
        self._events = events_per_second
        self._crowd = Crowd(events_per_second * GAP_MS // SECOND_MS, 1_000, values)
        self._partition = BenchPartition()
        self._next_offset = 0
        self._windows = Windows(
            settings.windows,
            settings.grace_seconds,
            _WindowOutputs(),
            settings.tick_seconds * SECOND_MS,
            _no_keys,
            lambda: self._crowd.clock_ms,
        )
        self._windows.assign([0])
        for records in self._crowd.opening():
            self._partition.take_in(records)

    def second_us(self) -> float:
        """Take in a second; the CPU time of merging its publications and publishing windows."""
        outputs = self._partition.outputs
        outputs.forget()
        self._partition.take_in(self._crowd.events(self._events))
        fold = []
        for value in outputs.pane_values:
            fold.append(CrowdRecord(self._next_offset, self._crowd.clock_ms, b"", value))
            self._next_offset += 1
        started = time.process_time()
        self._windows.apply(0, fold)
        self._windows.check_ready(lambda _: 1)
        asyncio.run(self._windows.publish())
        return round((time.process_time() - started) * 1e6, 1)

    def slices(self) -> int:
        """How many slices the windows have."""
        return sum(1 for _ in self._windows.slices())


class _ContentsSide:
    """``contents`` contents that gain ``gains`` times between two publications."""

    def __init__(self, contents: int, gains: int) -> None:
        self._names = [f"clip-{number:07d}" for number in range(contents)]
        self._gains = gains
        self._gained = ContentGains(0, _partition_of, lambda *_: None)
        self._at_ms = START_MS

    def publication_us(self) -> float:
        """The CPU time of one publication."""
        for gain in range(self._gains):
            self._gained.of(self._names[gain % len(self._names)], self._at_ms)
        started = time.process_time()
        self._gained.cut(0, self._at_ms, self._at_ms)
        return round((time.process_time() - started) * 1e6, 1)


async def _no_keys() -> Iterable[str]:
    return ()


def _partition_of(key: bytes) -> int:
    return partition_for(key, PARTITIONS)
