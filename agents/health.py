"""Tells how the owned raw partitions stand, in the topic ``health``."""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from agents.intake import Intake
from agents.owned import OwnedPartition
from models.pipeline import PartitionHealth
from models.timestamps import format_timestamp

CHANGED_MS = 900
"""A partition that changed is told of about every second: the call comes at most so often."""
UNCHANGED_MS = 4_500

_encode = msgspec.json.Encoder().encode


class HealthOutputs(Protocol):
    """The topic that is written to."""

    def health(self, partition: int, value: bytes) -> None: ...


class HealthReports:
    """Publishes the state of each owned partition, when it changed and every few seconds anyway.

    Args:
        lag_of: records of a raw partition after the given next offset; None: not known yet.
        is_current: whether the partitions are still known to be this worker's.
        wall_ms: the wall clock in milliseconds.
    """

    def __init__(
        self,
        intake: Intake,
        outputs: HealthOutputs,
        lag_of: Callable[[int, int], int | None],
        is_current: Callable[[], bool],
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._intake = intake
        self._outputs = outputs
        self._lag_of = lag_of
        self._is_current = is_current
        self._wall_ms = wall_ms
        self._published: dict[int, tuple[PartitionHealth, int]] = {}

    def publish(self) -> None:
        """Publish what is due; call it about every second."""
        if not self._is_current():
            return
        now_ms = self._wall_ms()
        for partition in self._published.keys() - self._intake.partitions.keys():
            del self._published[partition]
        for partition, owned in self._intake.partitions.items():
            before, before_ms = self._published.get(partition, (None, 0))
            if now_ms - before_ms < CHANGED_MS:
                continue
            health = self._health_of(owned, now_ms)
            if now_ms - before_ms >= UNCHANGED_MS or _has_changed(health, before):
                self._published[partition] = (health, now_ms)
                self._outputs.health(partition, _encode(health))

    def _health_of(self, owned: OwnedPartition, now_ms: int) -> PartitionHealth:
        state = owned.state
        lag = self._lag_of(state.partition, state.upto + 1)
        has_clock = state.clock_ms >= 0
        freshness: float | None = None
        if lag == 0:
            freshness = 0.0
        elif lag is not None and has_clock:
            freshness = max(now_ms - state.clock_ms, 0) / 1000
        return PartitionHealth(
            partition=state.partition,
            published_at=format_timestamp(now_ms),
            clock=format_timestamp(state.clock_ms) if has_clock else None,
            upto=state.upto,
            lag_records=lag,
            freshness_seconds=freshness,
            accepted=state.accepted,
            duplicates=state.duplicate,
            rejected=state.rejected,
            ledger_imbalance=owned.ledger_imbalance(),
            checkpoint_at=(
                format_timestamp(round(owned.saved_at_seconds * 1000))
                if owned.saved_at_seconds
                else None
            ),
        )


def _has_changed(health: PartitionHealth, before: PartitionHealth | None) -> bool:
    """Whether there is more news than that time passed."""
    return before is None or health != msgspec.structs.replace(
        before,
        published_at=health.published_at,
        freshness_seconds=health.freshness_seconds,
    )
