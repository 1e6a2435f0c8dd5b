"""The agent that merges the panes of all partitions into rolling windows."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from faust.types import TP

from agents.folding import Fold
from models.dimensions import ALL
from models.figures import Figures
from models.partials import decode_partial
from models.timestamps import format_timestamp
from models.windows import WindowRecord, window_record
from tables.rolling import RollingDimension

UNATTENDED_MS = 300_000
"""After so long without a publication some of what was published may have expired."""

_encode = msgspec.json.Encoder().encode


class WindowOutputs(Protocol):
    """The topic that the windows agent writes to."""

    def window(self, key: str, value: bytes | None, clock_ms: int) -> None: ...

    async def wait_room(self) -> None: ...


class WindowLength(Protocol):
    """A rolling window: its label and its length."""

    @property
    def label(self) -> str: ...
    @property
    def seconds(self) -> int: ...


class Slice(NamedTuple):
    """One value of one dimension in one rolling window, as it stands."""

    window: str
    dimension: str
    value: str
    figures: Figures


class MergedPartition:
    """A partition of the ``panes`` topic: the dimensions whose panes it carries."""

    __slots__ = ("dimensions", "newest_ms", "next_offset", "ready", "seen", "target", "unattended")

    def __init__(self) -> None:
        self.dimensions: dict[str, RollingDimension] = {}
        self.newest_ms = -1
        """The wall time of the newest publication."""
        self.unattended = False
        """Whether nobody published for so long that publications may have expired."""
        self.seen: set[tuple[str, str]] | None = set()
        """Dimensions and values that were published lately; None once they were looked through."""
        self.next_offset = 0
        self.target: int | None = None
        self.ready = False
        """Whether it was read up to the end that was seen at assignment."""


class Windows:
    """The rolling windows of the dimensions that this worker merges.

    Keeps no checkpoint: a partition that is gained is read again from its beginning, and nothing
    of it is exported before the end seen at assignment is reached.

    Args:
        refresh_ms: how far the clock moves before slices that did not change are published again.
        published_keys: reads the keys that have a value in the ``windows`` topic.
        wall_ms: the wall clock in milliseconds.
    """

    def __init__(
        self,
        windows: Sequence[WindowLength],
        grace_seconds: int,
        outputs: WindowOutputs,
        refresh_ms: int,
        published_keys: Callable[[], Awaitable[Iterable[str]]],
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.partitions: dict[int, MergedPartition] = {}
        self._windows = tuple(windows)
        self._windows_ms = tuple(window.seconds * 1000 for window in windows)
        self._kept_ms = self._windows_ms[-1] + grace_seconds * 1000
        self._outputs = outputs
        self._refresh_ms = refresh_ms
        self._published_keys = published_keys
        self._wall_ms = wall_ms
        self._published: dict[str, tuple[WindowRecord, int]] = {}

    def assign(self, partitions: Iterable[int]) -> None:
        """Merge exactly these partitions of ``panes``; the series of a lost one go at once."""
        wanted = set(partitions)
        for partition in self.partitions.keys() - wanted:
            for dimension in self.partitions.pop(partition).dimensions:
                self._forget(dimension)
        for partition in wanted - self.partitions.keys():
            self.partitions[partition] = MergedPartition()

    def position(self, tp: TP) -> int | None:
        """The next offset wanted of a partition of ``panes``; None: from its beginning."""
        merged = self.partitions.get(tp.partition)
        return merged.next_offset if merged is not None and merged.next_offset else None

    async def run(self, stream: Any) -> None:
        """Consume folds for ever."""
        async for event in stream.events():
            self.apply(event.message.tp.partition, event.value)

    def apply(self, partition: int, fold: Fold) -> None:
        """Take in one fold of publications; of a partition that was lost meanwhile, nothing."""
        merged = self.partitions.get(partition)
        if merged is None:
            return
        for record in fold:
            merged.next_offset = record.offset + 1
            if record.value is None:
                continue
            merged.newest_ms = record.timestamp
            partial = decode_partial(record.value)
            if merged.seen is not None:
                for pane in partial.panes:
                    merged.seen.update((partial.dimension, value) for value in pane.values)
            dimension = merged.dimensions.get(partial.dimension)
            if dimension is None:
                dimension = merged.dimensions[partial.dimension] = RollingDimension(
                    partial.dimension, self._windows_ms, self._kept_ms
                )
            dimension.merge(partial)

    def check_ready(self, end_of: Callable[[int], int | None]) -> None:
        """See which partitions were read up to the end that they had when they were gained."""
        for partition, merged in self.partitions.items():
            if not merged.ready:
                if merged.target is None:
                    merged.target = end_of(partition)
                merged.ready = merged.target is not None and merged.next_offset >= merged.target
                merged.unattended = merged.newest_ms < self._wall_ms() - UNATTENDED_MS

    def is_ready(self) -> bool:
        """Whether every partition is exported."""
        return all(merged.ready for merged in self.partitions.values())

    def slices(self) -> Iterator[Slice]:
        """Every slice that is exported now."""
        for dimension in self._dimensions():
            for index, window in enumerate(self._windows):
                for value, figures in dimension.slices(index):
                    if dimension.name == ALL or not figures.is_empty():
                        yield Slice(window.label, dimension.name, value, figures)

    async def publish(self) -> None:
        """Publish the slices that changed, the others when the clock moved on enough, and a
        tombstone for each that is empty now."""
        for merged in list(self.partitions.values()):
            if merged.ready and merged.dimensions and merged.seen is not None:
                await self._delete_leftovers(merged)
        for dimension in self._dimensions():
            self._publish_dimension(dimension)
            await self._outputs.wait_room()

    async def _delete_leftovers(self, merged: MergedPartition) -> None:
        """Delete slices that another worker published and that are empty by now.

        It can have published only what ``panes`` still tells of, unless nobody has for so long
        that publications have expired; then the topic itself is asked.
        """
        seen, merged.seen = merged.seen or set(), None
        keys = {
            f"{window.label}|{dimension}|{value}"
            for dimension, value in seen
            for window in self._windows
        }
        if merged.unattended:
            keys |= {
                key
                for key in await self._published_keys()
                if key.split("|")[1] in merged.dimensions
            }
        for name, dimension in merged.dimensions.items():
            for index, window in enumerate(self._windows):
                for value, figures in dimension.slices(index):
                    if name == ALL or not figures.is_empty():
                        keys.discard(f"{window.label}|{name}|{value}")
        clock_ms = max((d.clock_ms for d in merged.dimensions.values()), default=-1)
        for key in sorted(keys):
            if clock_ms >= 0:
                self._outputs.window(key, None, clock_ms)

    def _publish_dimension(self, dimension: RollingDimension) -> None:
        clock_ms = dimension.clock_ms
        end = format_timestamp(clock_ms)
        gone = {
            key
            for key, (record, _) in self._published.items()
            if record.dimension == dimension.name
        }
        for index, window in enumerate(self._windows):
            start = format_timestamp(clock_ms - self._windows_ms[index])
            for value, figures in dimension.slices(index):
                if dimension.name != ALL and figures.is_empty():
                    continue
                key = f"{window.label}|{dimension.name}|{value}"
                gone.discard(key)
                record = window_record(window.label, dimension.name, value, start, end, figures)
                before = self._published.get(key)
                if before is None or self._is_news(record, clock_ms, *before):
                    self._published[key] = (record, clock_ms)
                    self._outputs.window(key, _encode(record), clock_ms)
        for key in sorted(gone):
            del self._published[key]
            self._outputs.window(key, None, clock_ms)

    def _is_news(
        self, record: WindowRecord, clock_ms: int, before: WindowRecord, before_ms: int
    ) -> bool:
        if clock_ms // self._refresh_ms != before_ms // self._refresh_ms:
            return True
        return msgspec.structs.replace(before, start=record.start, end=record.end) != record

    def _dimensions(self) -> list[RollingDimension]:
        return [
            dimension
            for merged in self.partitions.values()
            if merged.ready
            for dimension in merged.dimensions.values()
        ]

    def _forget(self, dimension: str) -> None:
        for key, (record, _) in list(self._published.items()):
            if record.dimension == dimension:
                del self._published[key]
