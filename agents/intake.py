"""The agent that sees every event: one folding pass over each raw partition."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from faust.types import TP

from agents.folding import Fold
from models.partials import PanePartial, Partial, encode_partial
from tables.counters import Counters
from tables.partition import TICK_HEADER, Outputs, PartitionRules, PartitionState, is_tick
from tables.ticks import TickSchedule


class IntakeOutputs(Outputs, Protocol):
    """The topics that intake writes to."""

    def partial(self, dimension: str, value: bytes) -> None: ...

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    async def wait_room(self) -> None: ...


class OwnedPartition:
    """A raw partition of this worker: its state, its ledger and when it wants a tick."""

    __slots__ = ("passed", "published_clock_ms", "state", "ticks")

    def __init__(self, state: PartitionState, ticks: TickSchedule) -> None:
        self.state = state
        self.ticks = ticks
        self.passed = 0
        """Records that the transport handed over, less ticks: what the state must account for."""
        self.published_clock_ms = -1

    def ledger_imbalance(self) -> int:
        """Records passed minus those accepted, dropped as duplicates or rejected: 0."""
        state = self.state
        return self.passed - state.accepted - state.duplicate - state.rejected


class Intake:
    """The raw partitions that this worker owns.

    Args:
        tick_ms: the interval of the ticks that an idle partition gets.
        wall_ms: the wall clock in milliseconds.
    """

    def __init__(
        self,
        rules: PartitionRules,
        counters: Counters,
        outputs: IntakeOutputs,
        partition_of: Callable[[bytes], int],
        tick_ms: int,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.partitions: dict[int, OwnedPartition] = {}
        self._rules = rules
        self._counters = counters
        self._outputs = outputs
        self._partition_of = partition_of
        self._tick_ms = tick_ms
        self._wall_ms = wall_ms

    def assign(self, partitions: Iterable[int]) -> None:
        """Own exactly these partitions. A kept one goes on from its state."""
        wanted = set(partitions)
        for partition in self.partitions.keys() - wanted:
            del self.partitions[partition]
        for partition in wanted - self.partitions.keys():
            state = PartitionState(
                partition, self._rules, self._counters, self._outputs, self._partition_of
            )
            self.partitions[partition] = OwnedPartition(state, TickSchedule(self._tick_ms))

    def position(self, tp: TP) -> int | None:
        """The next offset wanted of a raw partition; None: from its beginning."""
        owned = self.partitions.get(tp.partition)
        return None if owned is None or owned.state.upto < 0 else owned.state.upto + 1

    async def run(self, stream: Any) -> None:
        """Consume folds for ever."""
        async for event in stream.events():
            self.apply(event.message.tp.partition, event.value)
            await self._outputs.wait_room()

    def apply(self, partition: int, fold: Fold) -> None:
        """Take in one fold; of a partition that was lost meanwhile, nothing."""
        owned = self.partitions.get(partition)
        if owned is None:
            return
        state = owned.state
        upto = state.upto
        state.apply(fold)
        wall_ms = self._wall_ms()
        new = [record for record in fold if record.offset > upto]
        ticks = sum(map(is_tick, new))
        owned.passed += len(new) - ticks
        owned.ticks.saw(wall_ms, state.clock_ms, only_ticks=len(new) == ticks)
        self._counters.ticks += ticks
        self._counters.event_age.observe_many(
            [wall_ms - record.timestamp for record in new if record.value is not None]
        )

    def publish_changes(self) -> None:
        """Publish every pane that changed, per dimension, with the clock that it stands at."""
        for partition, owned in self.partitions.items():
            state = owned.state
            if state.clock_ms < 0:
                continue
            changes: dict[str, list[PanePartial]] = {}
            for start_ms, dimensions in state.panes.take_changes():
                for dimension, values in dimensions.items():
                    changes.setdefault(dimension, []).append(PanePartial(start_ms, values))
            if not changes and state.clock_ms == owned.published_clock_ms:
                continue
            owned.published_clock_ms = state.clock_ms
            for dimension in state.panes.dimensions:
                partial = Partial(
                    partition, state.upto, state.clock_ms, dimension, changes.get(dimension, [])
                )
                self._outputs.partial(dimension, encode_partial(partial))

    def write_due_ticks(self, is_caught_up: Callable[[int, int], bool]) -> None:
        """Move the clock of every partition that is caught up and idle.

        ``is_caught_up(partition, next_offset)`` tells whether the partition ends there.
        """
        for partition, owned in self.partitions.items():
            if is_caught_up(partition, owned.state.upto + 1):
                due_ms = owned.ticks.due(self._wall_ms(), owned.state.clock_ms)
                if due_ms is not None:
                    self._outputs.tick(partition, TICK_HEADER, due_ms)
