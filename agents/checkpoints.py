"""Makes the state of the owned partitions durable, and commits what it then accounts for."""

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from agents.intake import Intake
from agents.owned import OwnedPartition
from models.errors import PlayvitalsError
from tables.checkpoint_log import Cut

MAX_FAILURES = 3
VIEWERS_AT_ONCE = 1_000
"""So many viewers are written before other work has its turn: some tens of milliseconds."""

log = logging.getLogger(__name__)

Commit = Callable[[Mapping[int, int], int], Awaitable[None]]
"""Commits the next offsets of raw partitions, as a member of a generation of the group; fails where
that is over."""


class StateOutputs(Protocol):
    """The topic of the checkpoints, and the acknowledgement of all the others."""

    def state(self, partition: int, key: bytes, value: bytes | None) -> "asyncio.Future[None]": ...

    async def flush(self) -> None: ...

    async def wait_room(self) -> None: ...


class SupersededError(PlayvitalsError):
    """The partitions were assigned anew while a checkpoint was on its way."""


class Checkpointer:
    """Writes the checkpoints of this worker's raw partitions.

    The order makes every moment safe to die in: what the state has led to is acknowledged before
    the state is written, the manifest follows its entries, the commit follows the manifest, and
    only after a commit, which the brokers refuse to a worker that lost the partition, are the
    entries of earlier checkpoints deleted.

    Args:
        generation: the generation of the consumer group that the partitions are owned in.
        interval_seconds: between two checkpoints of a partition; they are staggered.
    """

    def __init__(
        self,
        intake: Intake,
        outputs: StateOutputs,
        commit: Commit,
        generation: Callable[[], int],
        interval_seconds: float,
    ) -> None:
        self._intake = intake
        self._outputs = outputs
        self._commit = commit
        self._generation = generation
        self._interval_seconds = interval_seconds
        self._lock = asyncio.Lock()
        self._is_leaving = False
        self._due_at: dict[int, float] = {}
        self._failed_in_a_row: Counter[int] = Counter()
        self.failures = 0
        """Checkpoints that could not be made durable, since the process started."""
        self.duration_seconds = 0.0
        """How long the last checkpoint took, acknowledgements included."""
        self.pause_seconds = 0.0
        """The longest that taking a checkpoint has kept everything else waiting."""

    async def save_due(self) -> None:
        """Write the checkpoints whose time has come, those of a moment together: each waits for
        the acknowledgements of everything.

        Raises:
            PlayvitalsError: that of a partition failed three times in a row.
        """
        now = time.monotonic()
        partitions = self._intake.partitions
        for partition in self._due_at.keys() - partitions.keys():
            del self._due_at[partition]
        for place, partition in enumerate(sorted(partitions)):
            share = (place + 1) / len(partitions)
            self._due_at.setdefault(partition, now + self._interval_seconds * share)
        due = [partition for partition, due_at in self._due_at.items() if due_at <= now]
        if due:
            self._due_at.update(dict.fromkeys(due, now + self._interval_seconds))
            await self._save_counting(due)

    async def save(self, partitions: Iterable[int]) -> None:
        """Write a checkpoint of each of these partitions that moved on since its last one.

        Raises:
            BrokerUnavailableError: something was not acknowledged.
            SupersededError: the partitions were assigned anew meanwhile.
            KafkaError: the commit was refused.
        """
        async with self._lock:
            started = time.monotonic()
            generation = self._generation()
            cuts: list[tuple[OwnedPartition, Cut]] = []
            for partition in partitions:
                owned = self._intake.partitions.get(partition)
                if owned is None:
                    continue
                if owned.state.upto == owned.log.upto:
                    owned.saved_at_seconds = time.time()
                else:
                    cuts.append((owned, await self._cut(owned, generation)))
            if cuts:
                await self._write(cuts)
                self._require_owned(cuts, generation)
                await self._commit({o.state.partition: cut.upto + 1 for o, cut in cuts}, generation)
                self._require_owned(cuts, generation)
                await self._confirm(cuts)
                self.duration_seconds = time.monotonic() - started

    async def save_all(self, within_seconds: float) -> None:
        """Write a checkpoint of everything that is owned, before it leaves or the worker ends.

        Each is taken in one go, and so is what is left of one that is under way. One that fails
        or takes too long costs time but loses nothing: whoever goes on repeats what came after the
        checkpoint before.
        """
        self._is_leaving = True
        try:
            await asyncio.wait_for(self.save(sorted(self._intake.partitions)), within_seconds)
        except Exception as error:
            log.warning("No checkpoint before the partitions leave: %r", error)
        finally:
            self._is_leaving = False

    async def _save_counting(self, partitions: list[int]) -> None:
        try:
            await self.save(partitions)
        except SupersededError as error:
            log.info("A checkpoint was given up: %s", error)
        except Exception as error:
            self.failures += 1
            self._failed_in_a_row.update(partitions)
            log.warning("A checkpoint of the partitions %s failed: %r", partitions, error)
            partition, times = self._failed_in_a_row.most_common(1)[0]
            if times >= MAX_FAILURES:
                raise PlayvitalsError(
                    f"{MAX_FAILURES} checkpoints of raw partition {partition} failed in a row, "
                    f"the last one with {error!r}"
                ) from error
        else:
            for partition in partitions:
                del self._failed_in_a_row[partition]

    async def _cut(self, owned: OwnedPartition, generation: int) -> Cut:
        with self._pause():
            # What is restored counts as published.
            self._intake.publish_partition(owned)
            owned.begin_checkpoint(generation)
        while True:
            with self._pause():
                cut = owned.log.go_on(sys.maxsize if self._is_leaving else VIEWERS_AT_ONCE)
            await asyncio.sleep(0)
            if cut is not None:
                return cut

    @contextmanager
    def _pause(self) -> Iterator[None]:
        """Something that keeps everything else waiting."""
        started = time.perf_counter()
        yield
        self.pause_seconds = max(self.pause_seconds, time.perf_counter() - started)

    async def _write(self, cuts: list[tuple[OwnedPartition, Cut]]) -> None:
        await self._outputs.flush()
        acknowledgements: set[asyncio.Future[None]] = set()
        for owned, cut in cuts:
            for key, value in cut.records:
                acknowledgements.add(self._outputs.state(owned.state.partition, key, value))
                await self._outputs.wait_room()
        await asyncio.gather(*(asyncio.shield(future) for future in acknowledgements))

    async def _confirm(self, cuts: list[tuple[OwnedPartition, Cut]]) -> None:
        for owned, cut in cuts:
            owned.log.confirm()
            owned.saved_at_seconds = time.time()
            for key in cut.superseded:
                self._outputs.state(owned.state.partition, key, None)
        await self._outputs.wait_room()

    def _require_owned(self, cuts: list[tuple[OwnedPartition, Cut]], generation: int) -> None:
        for owned, _ in cuts:
            if self._intake.partitions.get(owned.state.partition) is not owned:
                raise SupersededError(f"partition {owned.state.partition} was lost meanwhile")
        if self._generation() != generation:
            raise SupersededError("the group has a new generation")
