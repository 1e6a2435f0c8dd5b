"""The agent that sees every event: one folding pass over each raw partition."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import uuid4

from faust.types import TP

from agents.folding import Fold
from agents.owned import Continuity, OwnedPartition
from models.partials import PanePartial, Partial, encode_partial
from tables.checkpoint_log import CheckpointLog, Origin
from tables.counters import Counters
from tables.partition import TICK_HEADER, Outputs, PartitionState
from tables.rules import PartitionRules
from tables.ticks import TickSchedule


class IntakeOutputs(Outputs, Protocol):
    """The topics that intake writes to."""

    def partial(self, dimension: str, value: bytes) -> None: ...

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    async def wait_room(self) -> None: ...


class Intake:
    """The raw partitions that this worker owns.

    Args:
        tick_ms: the interval of the ticks that an idle partition gets.
        before_fold: awaited before a fold is taken in.
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
        before_fold: Callable[[Fold], Awaitable[None]] | None = None,
    ) -> None:
        self.partitions: dict[int, OwnedPartition] = {}
        """Those whose state is restored."""
        self._rules = rules
        self._counters = counters
        self._outputs = outputs
        self._partition_of = partition_of
        self._tick_ms = tick_ms
        self._wall_ms = wall_ms
        self._before_fold = before_fold

    def new_partition(self, partition: int, origin: Origin) -> OwnedPartition:
        """A partition with an empty state; own it by adding it to :attr:`partitions`."""
        state = PartitionState(
            partition, self._rules, self._counters, self._outputs, self._partition_of
        )
        log = CheckpointLog(state, origin, uuid4().hex[:16])
        return OwnedPartition(state, TickSchedule(self._tick_ms), log)

    def position(self, tp: TP) -> int | None:
        """The next offset wanted of a raw partition; None: from its beginning."""
        owned = self.partitions.get(tp.partition)
        return None if owned is None else owned.next_offset()

    async def run(self, stream: Any, fetch_again: Callable[[TP], Awaitable[None]]) -> None:
        """Consume folds for ever; ``fetch_again`` goes back to where a partition's state ends."""
        async for event in stream.events():
            tp = event.message.tp
            if self._before_fold is not None:
                await self._before_fold(event.value)
            if self.apply(tp.partition, event.value) is Continuity.FETCH_AGAIN:
                await fetch_again(tp)
            await self._outputs.wait_room()

    def apply(self, partition: int, fold: Fold) -> Continuity:
        """Take in one fold; of a partition that was lost meanwhile, nothing.

        Raises:
            OperatorError: the raw topic is not the one that the state was made from.
        """
        owned = self.partitions.get(partition)
        if owned is None:
            return Continuity.SKIP
        continuity = owned.continuity(fold)
        if continuity is Continuity.APPLY:
            wall_ms = self._wall_ms()
            times, ticks = owned.apply(fold, wall_ms)
            self._counters.ticks += ticks
            self._counters.event_age.observe_many([wall_ms - time_ms for time_ms in times])
        return continuity

    def publish_changes(self) -> None:
        """Publish every pane that changed, per dimension, with the clock that it stands at."""
        for owned in self.partitions.values():
            self.publish_partition(owned)

    def publish_partition(self, owned: OwnedPartition) -> None:
        """Publish the panes of one partition that changed, or its clock where only that moved."""
        state = owned.state
        if state.clock_ms < 0:
            return
        changes: dict[str, list[PanePartial]] = {}
        for start_ms, dimensions in state.panes.take_changes():
            for dimension, values in dimensions.items():
                changes.setdefault(dimension, []).append(PanePartial(start_ms, values))
        if not changes and state.clock_ms == owned.published_clock_ms:
            return
        owned.published_clock_ms = state.clock_ms
        for dimension in state.panes.dimensions:
            partial = Partial(
                state.partition, state.upto, state.clock_ms, dimension, changes.get(dimension, [])
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
