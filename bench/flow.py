"""What an event leads to: bytes on every topic, an open view for a while, figures to merge.

One partition in memory takes in the load of the other benchmarks at its own pace of server time;
nothing is written, only counted. The same for a seed on every machine, but for the time of merging.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import msgspec

from app.settings import load_settings
from bench.crowd import START_MS, CrowdRecord
from bench.load import Load, events_per_viewer_second
from bench.partition import BenchPartition, KeptOutputs
from models.partials import Partial, decode_partial
from tables.partition import AcceptedRecord
from tables.rolling import RollingDimension

CHECKPOINT_MS = 10_000
SOURCES = 12
"""So many partitions publish the same in the measurement of merging."""
MERGES = 10

_HEADER_BYTES = 6
"""The name of the header that an accepted record has."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes are of keys, values and headers, per event, in the second half of the time."""

    events_per_viewer_second: float
    open_views_per_viewer: float
    raw_bytes: float
    accepted_bytes: float
    views_bytes: float
    contents_bytes: float
    state_bytes: float
    """Written by checkpoints every 10 s."""
    panes_bytes_per_second: float
    """Of one partition: they follow slices."""
    slices: int
    """Values of dimensions that one partition publishes."""
    merge_us: float
    """CPU time to merge one value of one partition into the windows."""

    @property
    def written_bytes(self) -> float:
        """By a worker, per event that it takes in."""
        return self.accepted_bytes + self.views_bytes + self.contents_bytes + self.state_bytes


class CountedOutputs(KeptOutputs):
    """Outputs of which the bytes are counted, by topic; of the panes the last two are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = Counter[str]()
        self.last: dict[str, bytes] = {}
        self.before: dict[str, bytes] = {}

    def accepted(self, *args: object) -> None:
        """Key, value and the one header of each record."""
        _, records = cast(tuple[int, Sequence[AcceptedRecord]], args)
        for key, value, _, source in records:
            self.bytes["accepted"] += len(key) + len(value) + _HEADER_BYTES + len(source)

    def view(self, *args: object) -> None:
        """One record."""
        key, value, _ = cast(tuple[bytes, bytes, int], args)
        self.bytes["views"] += len(key) + len(value)

    def contents(self, partition: int, value: bytes) -> None:
        """One record without a key."""
        self.bytes["contents"] += len(value)

    def partial(self, dimension: str, value: bytes) -> None:
        """One record with the dimension as its key."""
        self.bytes["panes"] += len(dimension) + len(value)
        self.before[dimension] = self.last.get(dimension, value)
        self.last[dimension] = value


def measure_flow(events_per_second: int, seconds: int, seed: int) -> Flow:
    """Let one partition take in so many events for so long."""
    end_ms = START_MS + seconds * 1000
    outputs = CountedOutputs()
    partition = BenchPartition(outputs)
    offset = events = raw_bytes = 0
    next_cut_ms, steady = START_MS, False
    for chunk in Load(events_per_second * seconds, seconds, end_ms, seed).chunks():
        at_ms = chunk[0][2]
        if not steady and at_ms >= START_MS + seconds * 500:
            outputs.bytes.clear()
            events, raw_bytes, steady = 0, 0, True
        records = [
            CrowdRecord(offset + n, ms, key, value) for n, (key, value, ms) in enumerate(chunk)
        ]
        partition.take_in(records)
        offset += len(chunk)
        events += len(chunk)
        raw_bytes += sum(len(key) + len(value) for key, value, _ in chunk)
        if at_ms >= next_cut_ms:
            next_cut_ms = at_ms + CHECKPOINT_MS
            outputs.bytes["state"] += partition.checkpoint().bytes
    per_viewer = events_per_viewer_second(seed)
    viewers = events_per_second / per_viewer
    partials = [decode_partial(value) for value in outputs.last.values()]
    before = [decode_partial(value) for value in outputs.before.values()]
    found = {name: round(size / events, 1) for name, size in outputs.bytes.items()}
    return Flow(
        events_per_viewer_second=round(per_viewer, 3),
        open_views_per_viewer=round(partition.owned.state.views.open_views / viewers, 3),
        raw_bytes=round(raw_bytes / events, 1),
        accepted_bytes=found["accepted"],
        views_bytes=found["views"],
        contents_bytes=found["contents"],
        state_bytes=found["state"],
        panes_bytes_per_second=round(outputs.bytes["panes"] * events_per_second / events, 1),
        slices=len(
            {(p.dimension, value) for p in partials for pane in p.panes for value in pane.values}
        ),
        merge_us=_merge_us(before, partials),
    )


def rows_of_flow(flow: Flow) -> list[tuple[str, str]]:
    """What was measured in words, and the figure."""
    return [
        ("events per second of a viewer who watches", f"{flow.events_per_viewer_second:.3f}"),
        ("open views per viewer who watches", f"{flow.open_views_per_viewer:.2f}"),
        ("bytes of an event in `events.raw`", f"{flow.raw_bytes:.0f}"),
        ("bytes per event in `events.accepted`", f"{flow.accepted_bytes:.0f}"),
        ("bytes per event in `views`", f"{flow.views_bytes:.0f}"),
        ("bytes per event in `contents`", f"{flow.contents_bytes:.1f}"),
        ("bytes per event in `state`, with a checkpoint every 10 s", f"{flow.state_bytes:.0f}"),
        ("bytes per second of a partition in `panes`", f"{flow.panes_bytes_per_second:,.0f}"),
        ("values of dimensions, in one partition", f"{flow.slices}"),
        ("CPU us to merge one value of one partition", f"{flow.merge_us:.1f}"),
    ]


def _merge_us(before: Sequence[Partial], after: Sequence[Partial]) -> float:
    """Merge two publications, a second apart, of several partitions by turns, and take the least
    time."""
    settings = load_settings({})
    windows_ms = [window.seconds * 1000 for window in settings.windows]
    kept_ms = windows_ms[-1] + settings.grace_seconds * 1000
    dimensions = {p.dimension: RollingDimension(p.dimension, windows_ms, kept_ms) for p in after}
    latest = max(partial.upto for partial in after)
    seconds = []
    for number in range(MERGES):
        partials = after if number % 2 else before
        values = SOURCES * sum(len(pane.values) for partial in partials for pane in partial.panes)
        published = [
            msgspec.structs.replace(partial, partition=source, upto=latest + number)
            for source in range(SOURCES)
            for partial in partials
        ]
        started = time.process_time()
        for partial in published:
            dimensions[partial.dimension].merge(partial)
        seconds.append((time.process_time() - started) / values)
    # The first one replaces nothing.
    return round(min(seconds[1:]) * 1e6, 2)
