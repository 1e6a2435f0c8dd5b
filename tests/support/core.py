"""The pure core without a broker: records, a sink that remembers, and a whole pipeline."""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.dimensions import DIMENSIONS
from models.figures import Figures
from models.partials import PanePartial, Partial, decode_partial, encode_partial
from models.timestamps import format_timestamp, parse_timestamp_ms
from tables.counters import Counters
from tables.partition import TICK_HEADER, AcceptedRecord, PartitionState
from tables.rolling import RollingDimension
from tables.rules import PartitionRules

T0 = 1_700_000_000_000
"""A pane boundary somewhere in 2023, in milliseconds."""

MINUTE_MS = 60_000


@dataclass(slots=True)
class FakeRecord:
    """What the core reads of a Kafka record."""

    offset: int
    timestamp: int
    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Remembered:
    """Outputs that are kept in lists."""

    accepted_records: list[tuple[int, bytes, dict[str, Any], bytes]] = field(default_factory=list)
    rejected_records: list[tuple[bytes | None, dict[str, Any]]] = field(default_factory=list)
    view_values: list[bytes] = field(default_factory=list)
    view_keys: list[bytes] = field(default_factory=list)
    content_values: list[tuple[int, bytes]] = field(default_factory=list)

    def accepted(self, partition: int, records: Sequence[AcceptedRecord]) -> None:
        self.accepted_records += [
            (partition, key, json.loads(value), source) for key, value, _, source in records
        ]

    def rejected(self, partition: int, key: bytes | None, value: bytes, clock_ms: int) -> None:
        self.rejected_records.append((key, json.loads(value)))

    def view(self, key: bytes, value: bytes, clock_ms: int) -> None:
        self.view_keys.append(key)
        self.view_values.append(value)

    def contents(self, partition: int, value: bytes) -> None:
        self.content_values.append((partition, value))

    @property
    def views(self) -> list[dict[str, Any]]:
        return [json.loads(value) for value in self.view_values]


def rules(**changes: Any) -> PartitionRules:
    """The default rules of a partition; windows of two hours."""
    values: dict[str, Any] = {
        "topic": "playvitals.events.raw",
        "kept_ms": 2 * 60 * MINUTE_MS + MINUTE_MS,
        "timeout_ms": 15 * MINUTE_MS,
        "straggler_ms": 30_000,
        "open_views": 500_000,
        "views_per_viewer": 1_000,
        "dedupe_hours": 24,
        "dimensions": DIMENSIONS,
    }
    return PartitionRules(**(values | changes))


class Core:
    """The states of some partitions, fed with (server time, value) pairs, and their merger."""

    def __init__(
        self,
        partitions: int = 1,
        windows_ms: Sequence[int] = (MINUTE_MS, 120 * MINUTE_MS),
        **rule_changes: Any,
    ) -> None:
        self.outputs = Remembered()
        self.counters = Counters()
        self.rules = rules(**rule_changes)
        self.states = [
            PartitionState(
                number, self.rules, self.counters, self.outputs, lambda key: sum(key) % partitions
            )
            for number in range(partitions)
        ]
        self.merged = {
            name: RollingDimension(name, windows_ms, self.rules.kept_ms)
            for name in ("all", *self.rules.dimensions)
        }
        self._next_offset = [0] * partitions

    def partition_of(self, value: bytes | None) -> int:
        """Where the record of ``value`` goes: by its session, like Kafka's partitioner."""
        try:
            fields = json.loads(value or b"")
            return sum(str(fields["sessionId"]).encode()) % len(self.states)
        except (ValueError, TypeError, KeyError):
            return 0

    def feed(self, pairs: Iterable[tuple[int, bytes | None]], partition: int | None = None) -> None:
        """Apply records one after the other."""
        for server_ms, value in pairs:
            number = self.partition_of(value) if partition is None else partition
            record = FakeRecord(self._next_offset[number], server_ms, value)
            self._next_offset[number] += 1
            self.states[number].apply([record])

    def apply(self, records: Sequence[FakeRecord]) -> None:
        """Apply one fold of partition 0."""
        self.states[0].apply(records)
        self._next_offset[0] = records[-1].offset + 1

    def send(self, *events: dict[str, Any], delay_ms: int = 0) -> None:
        """Apply events at the server time of their own timestamps, plus a delay."""
        self.feed((at_ms(event) + delay_ms, json.dumps(event).encode()) for event in events)

    def tick(self, server_ms: int) -> None:
        """Move the clock of every partition."""
        for number, state in enumerate(self.states):
            headers = ((TICK_HEADER, b""),)
            record = FakeRecord(self._next_offset[number], server_ms, None, headers=headers)
            self._next_offset[number] += 1
            state.apply([record])

    def settle(self, from_ms: int, minutes: int = 20) -> None:
        """Ticks every 5 s, as ``playvitals replay --settle`` writes them."""
        for server_ms in range(from_ms + 5000, from_ms + minutes * MINUTE_MS + 1, 5000):
            self.tick(server_ms)

    def publish(self) -> list[bytes]:
        """What the partitions publish now, encoded as on the topic, and merged."""
        messages = []
        for state in self.states:
            if state.clock_ms < 0:
                continue
            changes: dict[str, list[PanePartial]] = {name: [] for name in state.panes.dimensions}
            for start_ms, dimensions in state.panes.take_changes():
                for name, values in dimensions.items():
                    changes[name].append(PanePartial(start_ms, values))
            messages += [
                encode_partial(Partial(state.partition, state.upto, state.clock_ms, name, panes))
                for name, panes in changes.items()
            ]
        for message in messages:
            partial = decode_partial(message)
            self.merged[partial.dimension].merge(partial)
        return messages

    def rolling(self, dimension: str = "all", value: str = "", window: int = 1) -> Figures:
        """The figures of one slice after publishing what is new."""
        self.publish()
        return dict(self.merged[dimension].slices(window))[value]


def event(
    name: str,
    seconds: float,
    content: str = "a",
    session: str | None = "s1",
    event_id: str | None = None,
    top: dict[str, Any] | None = None,
    **data: Any,
) -> dict[str, Any]:
    """An event ``seconds`` after :data:`T0`."""
    fields: dict[str, Any] = {
        "event": name,
        "contentId": content,
        "timestamp": format_timestamp(T0 + round(seconds * 1000)),
        "data": data,
        **(top or {}),
    }
    if session is not None:
        fields["sessionId"] = session
    fields["eventId"] = event_id or f"{name}-{session}-{content}-{seconds}"
    return fields


def at_ms(fields: dict[str, Any]) -> int:
    """The timestamp of an event in milliseconds."""
    parsed = parse_timestamp_ms(fields["timestamp"])
    assert parsed is not None
    return parsed


def impression(seconds: float, content: str = "a", **more: Any) -> dict[str, Any]:
    return event("impression", seconds, content, **{"position": 0, **more})


def play(seconds: float, content: str = "a", startup: int = 400, **more: Any) -> dict[str, Any]:
    return event("playStart", seconds, content, startupTime=startup, **more)


def progress(
    seconds: float, position: float, content: str = "a", duration: float = 60.0, **more: Any
) -> dict[str, Any]:
    return event("watchProgress", seconds, content, currentTime=position, duration=duration, **more)


def complete(
    seconds: float, watched: float, content: str = "a", looped: bool = False, **more: Any
) -> dict[str, Any]:
    return event("completion", seconds, content, watchTime=watched, looped=looped, **more)


def swipe(
    seconds: float, watched: float, content: str = "a", to: str = "b", **more: Any
) -> dict[str, Any]:
    return event(
        "swipe", seconds, content, fromContentId=content, toContentId=to, watchTime=watched, **more
    )


def stall(
    seconds: float, stall_ms: int, content: str = "a", position: float = 1.0, **more: Any
) -> dict[str, Any]:
    return event("rebuffer", seconds, content, duration=stall_ms, currentTime=position, **more)


def error(seconds: float, content: str = "a", fatal: bool = False, **more: Any) -> dict[str, Any]:
    return event("error", seconds, content, errorCode="E1", errorMessage="m", fatal=fatal, **more)


def reference_pairs(path: Path) -> list[tuple[int, bytes]]:
    """The lines of a reference file with their server time: a line that is no JSON belongs to
    the moment of the line before it."""
    pairs: list[tuple[int, bytes]] = []
    server_ms = 0
    with gzip.open(path) as lines:
        for line in lines:
            raw = line.rstrip(b"\n")
            try:
                server_ms = at_ms(json.loads(raw))
            except ValueError:
                assert server_ms
            pairs.append((server_ms, raw))
    return pairs
