"""What one pass over the raw topic gives: every figure of a chaos run, computed another way.

Small and straightforward, for runs whose events arrive in the order of their times within a
session; it counts those that do not. It shares no code with the product and knows none of its
ids: views are told apart by what they say, events without an id by their fields.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from tests.chaos.oracle_rules import RefusedError, iso, read_event
from tests.chaos.oracle_views import DIMENSIONS, PANE_MS, Slice, View, Views, record_of

MAX_VALUES = 50
QUANTILES = {"p50Ms": 0.5, "p90Ms": 0.9, "p95Ms": 0.95, "p99Ms": 0.99}
SUMS = (
    "impressions",
    "plays",
    "completions",
    "endedViews",
    "rebufferedViews",
    "exitsBeforeStart",
    "startFailures",
    "playbackFailures",
    "rebuffers",
    "rebufferMs",
    "downshifts",
    "activeViewers",
)


@dataclass(frozen=True)
class RawRecord:
    """A record of the raw topic; ``timestamp_ms`` is its server time."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Rules:
    """The settings that decide what is counted. ``windows`` has their seconds by label."""

    topic: str
    windows: Mapping[str, int]
    grace_seconds: int
    view_timeout_seconds: int
    straggler_seconds: int
    dedupe_hours: int
    dimensions: tuple[str, ...]


@dataclass
class Expected:
    """What must be in the topics.

    ``accepted`` and ``rejected`` are by partition and offset of the raw record: the value of
    ``events.accepted``, without an id that the worker derived, and the reason. ``windows`` is by
    key.
    """

    accepted: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    rejected: dict[tuple[int, int], str] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    windows: dict[str, dict[str, Any]] = field(default_factory=dict)
    duplicates: int = 0
    ticks: int = 0
    out_of_order: int = 0


Panes = dict[int, dict[Slice, Counter[str]]]


def run_oracle(records: Iterable[RawRecord], rules: Rules) -> Expected:
    """One pass over the records, which are in order within each partition."""
    expected = Expected()
    panes: Panes = defaultdict(lambda: defaultdict(Counter))
    partitions: dict[int, _Partition] = {}
    for record in records:
        partition = partitions.get(record.partition)
        if partition is None:
            partition = partitions[record.partition] = _Partition(rules, expected, panes)
        partition.take(record)
    clock_ms = max(partition.clock_ms for partition in partitions.values())
    _add_windows(expected, panes, rules, clock_ms)
    return expected


class _Partition:
    """One raw partition."""

    def __init__(self, rules: Rules, expected: Expected, panes: Panes) -> None:
        self.clock_ms = -1
        self._expected = expected
        self._panes = panes
        self._known: set[str] = set()
        self._last_ms: dict[str, int] = {}
        self._views = Views(
            rules.view_timeout_seconds * 1000,
            rules.straggler_seconds * 1000,
            self._count,
            self._publish,
        )

    def take(self, record: RawRecord) -> None:
        """Count one record."""
        if record.timestamp_ms > self.clock_ms:
            self.clock_ms = record.timestamp_ms
            self._views.move_clock(self.clock_ms)
        place = record.partition, record.offset
        if record.value is None:
            if any(name == "pv-tick" for name, _ in record.headers):
                self._expected.ticks += 1
            else:
                self._expected.rejected[place] = "malformed"
            return
        try:
            event, at_ms, adjusted = read_event(record.value, record.timestamp_ms)
        except RefusedError as refused:
            self._expected.rejected[place] = str(refused)
            return
        event_id = event.get("eventId") or json.dumps(event, sort_keys=True)
        if event_id in self._known:
            self._expected.duplicates += 1
            return
        self._known.add(event_id)
        self._check_order(event, at_ms)
        self._expected.accepted[place] = event | {
            "timestamp": iso(at_ms),
            "receivedAt": iso(record.timestamp_ms),
            "adjusted": adjusted,
        }
        counted_ms = at_ms if at_ms <= self.clock_ms else record.timestamp_ms
        self._views.follow(event, event_id, at_ms, counted_ms // PANE_MS * PANE_MS)

    def _check_order(self, event: dict[str, Any], at_ms: int) -> None:
        viewer = str([event.get(name) for name in ("sessionId", "deviceId", "userId")])
        if at_ms < self._last_ms.get(viewer, -1):
            self._expected.out_of_order += 1
        self._last_ms[viewer] = max(at_ms, self._last_ms.get(viewer, -1))

    def _count(self, pane_ms: int, values: Slice, figure: str, amount: int) -> None:
        self._panes[pane_ms][values][figure] += amount

    def _publish(self, view: View) -> None:
        self._expected.views.append(record_of(view))


def _add_windows(expected: Expected, panes: Panes, rules: Rules, clock_ms: int) -> None:
    longest = max(rules.windows.values())
    for dimension in ("all", *rules.dimensions):
        heaviest = _heaviest(_sums(panes, dimension, clock_ms - longest * 1000))
        for label, seconds in rules.windows.items():
            start_ms = clock_ms - seconds * 1000
            merged: dict[str, Counter[str]] = defaultdict(Counter)
            for value, figures in _sums(panes, dimension, start_ms).items():
                merged[value if value in heaviest else "other"].update(figures)
            for value, figures in merged.items():
                if dimension == "all" or any(figures.values()):
                    expected.windows[f"{label}|{dimension}|{value}"] = {
                        "window": label,
                        "dimension": dimension,
                        "value": value,
                        **_figures(figures),
                    }


def _sums(panes: Panes, dimension: str, after_ms: int) -> dict[str, Counter[str]]:
    """The figures of every value of a dimension in the panes that start after a moment."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    if dimension == "all":
        sums[""] = Counter()
    for start_ms, slices in panes.items():
        if start_ms > after_ms:
            for values, figures in slices.items():
                value = "" if dimension == "all" else values[DIMENSIONS.index(dimension)]
                sums[value].update(figures)
    return sums


def _heaviest(sums: dict[str, Counter[str]]) -> set[str]:
    named = [value for value, figures in sums.items() if any(figures.values())]
    named.sort(key=lambda value: (-sums[value]["plays"], value))
    return set(named[:MAX_VALUES]) | {""}


def _figures(sums: Counter[str]) -> dict[str, Any]:
    startups = sorted(
        ms
        for name, number in sums.items()
        if name.startswith("startup:")
        for ms in [int(name.removeprefix("startup:"))] * number
    )
    watch_ms, stall_ms = max(sums["watchMs"], 0), sums["rebufferMs"]
    waited_ms = sum(startups) + stall_ms
    return {
        **{name: sums[name] for name in SUMS},
        "watchMs": watch_ms,
        "rebufferRatio": _ratio(stall_ms, stall_ms + watch_ms),
        "rebufferedViewsRatio": _ratio(sums["rebufferedViews"], sums["startedViews"]),
        "completionRatio": _ratio(sums["completions"], sums["plays"]),
        "exitsBeforeStartRatio": _ratio(sums["exitsBeforeStart"], sums["endedViews"]),
        "startFailureRatio": _ratio(sums["startFailures"], sums["endedViews"]),
        "playbackFailureRatio": _ratio(sums["playbackFailures"], sums["endedViews"]),
        "waitRatio": _ratio(waited_ms, waited_ms + watch_ms),
        "meanStallMs": _ratio(stall_ms, sums["rebuffers"], 1),
        "startup": {
            "count": len(startups),
            "meanMs": _ratio(sum(startups), len(startups), 1),
            **{
                name: startups[ceil(share * len(startups)) - 1] if startups else None
                for name, share in QUANTILES.items()
            },
        },
    }


def _ratio(part: int, whole: int, digits: int = 6) -> float | None:
    return round(part / whole, digits) if whole else None
