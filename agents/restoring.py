"""Partitions that come and go: restores the state of those gained, forgets those lost."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from agents.intake import Intake
from agents.owned import OwnedPartition
from models.checkpoints import newest_checkpoint
from models.errors import OperatorError
from tables.checkpoint_log import Origin

log = logging.getLogger(__name__)

_STRETCH_SECONDS = 0.02


class RawBounds(NamedTuple):
    """The first offset that a raw partition still holds, and the one after its last; the latter
    None where the broker does not tell."""

    begin: int
    end: int | None


class StateSource(Protocol):
    """Where a partition's checkpoints and what it is compared with are read from."""

    async def state_records(self, partition: int) -> dict[bytes, bytes]:
        """What the ``state`` topic holds of a partition, newest value per key, without
        tombstones."""

    async def raw_bounds(self, partition: int) -> RawBounds:
        """What the raw partition holds now."""

    async def committed(self, partition: int) -> int | None:
        """The next offset that the group has committed for the raw partition."""


class Ownership:
    """Which raw partitions are this worker's.

    A partition is restored before anything of it is consumed. Others go on meanwhile.

    Args:
        opened: told when a partition is restored and in ``intake.partitions``.
        guard: runs a restore, and ends the worker where it fails.
    """

    def __init__(
        self,
        intake: Intake,
        source: StateSource,
        origin: Origin,
        opened: Callable[[int], Awaitable[None]],
        guard: Callable[[Awaitable[None]], Awaitable[None]],
    ) -> None:
        self._intake = intake
        self._source = source
        self._origin = origin
        self._opened = opened
        self._guard = guard
        self._generation = -1
        self._restoring: dict[int, asyncio.Future[None]] = {}
        self.restore_seconds = 0.0
        """How long the last restore of a partition took."""

    def is_open(self, partition: int) -> bool:
        """Whether a partition is restored, so that it may be consumed."""
        return partition in self._intake.partitions

    def is_restored(self) -> bool:
        """Whether every partition is."""
        return not self._restoring

    def assign(self, partitions: set[int], generation: int) -> None:
        """Own exactly these partitions from a group generation on.

        A partition that was owned in the generation before goes on from its state. Nobody but
        this worker had it; after a missed generation that is not known, and all are restored.
        """
        kept = partitions if generation == self._generation + 1 else set[int]()
        self._generation = generation
        for partition in self._intake.partitions.keys() - kept:
            del self._intake.partitions[partition]
        for partition in self._restoring.keys() - kept:
            self._restoring.pop(partition).cancel()
        for partition in partitions - self._intake.partitions.keys() - self._restoring.keys():
            restoring = asyncio.ensure_future(self._guard(self._restore(partition)))
            # The guard has told of a failure; nobody else looks.
            restoring.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._restoring[partition] = restoring

    async def stop(self) -> None:
        """Give up what is being restored."""
        tasks = list(self._restoring.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _restore(self, partition: int) -> None:
        started = time.monotonic()
        owned = self._intake.new_partition(partition, self._origin)
        await restore_partition(owned, self._source)
        if self._restoring.get(partition) is not asyncio.current_task():
            # A client may swallow a cancellation; what was read may be out of date by now.
            return
        owned.saved_at_seconds = time.time()
        self.restore_seconds = time.monotonic() - started
        self._intake.partitions[partition] = owned
        del self._restoring[partition]
        await self._opened(partition)


async def restore_partition(owned: OwnedPartition, source: StateSource) -> None:
    """Bring a fresh partition to its newest checkpoint, without keeping the loop for long.

    Raises:
        OperatorError: state and raw topic do not belong together, or the state was lost.
    """
    partition = owned.state.partition
    records = await source.state_records(partition)
    committed = await source.committed(partition)
    found = newest_checkpoint(records)
    if found is None:
        if committed:
            raise OperatorError(
                f"the group has committed offset {committed} of raw partition {partition}, but the "
                "state topic has no checkpoint of it: the topic was lost or emptied; restore it, "
                "or count everything in the raw topic anew with 'playvitals topics reset'"
            )
        owned.log.discard(records)
        return
    manifest = found.manifest
    _require_fit(partition, manifest.upto + 1, committed, await source.raw_bounds(partition))
    rested = time.monotonic()
    for _ in owned.log.load(records, found):
        if time.monotonic() - rested > _STRETCH_SECONDS:
            await asyncio.sleep(0)
            rested = time.monotonic()
    owned.restored(manifest.totals, manifest.fingerprint, time.time_ns() // 1_000_000)


def _require_fit(partition: int, after: int, committed: int | None, raw: RawBounds) -> None:
    if committed is not None and committed > after:
        raise OperatorError(
            f"the group has committed offset {committed} of raw partition {partition}, but its "
            f"newest whole checkpoint ends before {after}: the state topic lost its end; restore "
            "it, or count everything in the raw topic anew with 'playvitals topics reset'"
        )
    if raw.end is not None and after > raw.end:
        raise OperatorError(
            f"the state of raw partition {partition} reaches offset {after - 1}, but the partition "
            f"ends before {raw.end}: the raw topic was created anew or lost its end; restore it, "
            "or begin anew with 'playvitals topics reset'"
        )
    if 0 < after < raw.begin:
        raise OperatorError(
            f"raw partition {partition} begins at offset {raw.begin}, but its state ends before "
            f"{after}: {raw.begin - after} records expired or were deleted uncounted; to go on "
            "without them, begin anew with 'playvitals topics reset'"
        )
