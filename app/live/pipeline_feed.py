"""The state of the pipeline, from the topic ``health``."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from app.topic_reader import Record
from models.pipeline import PartitionHealth, PipelineState, RejectedReason
from models.timestamps import parse_timestamp_ms

SILENT_MS = 15_000
"""A partition whose newest record is older reports no more: its worker publishes every 5 s."""
RATE_MS = 10_000
"""The time that the rate of events is taken over."""

_MAX_COUNTS = 16

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(PartitionHealth).decode

N = TypeVar("N", int, float)


class _Partition:
    """The newest record of a partition, and how its count of events grew until then."""

    def __init__(self) -> None:
        self.health: PartitionHealth | None = None
        self.published_ms = 0
        self._counts: deque[tuple[int, int]] = deque(maxlen=_MAX_COUNTS)

    def take(self, health: PartitionHealth, published_ms: int) -> None:
        self.health = health
        self.published_ms = published_ms
        count = health.accepted + health.duplicates + health.rejected
        if self._counts and count < self._counts[-1][1]:
            # A worker died, and another one goes on from the checkpoint before.
            self._counts.clear()
        self._counts.append((published_ms, count))
        while published_ms - self._counts[0][0] > RATE_MS:
            self._counts.popleft()

    def events_per_second(self) -> float | None:
        """None: there is no second count to compare with."""
        if len(self._counts) < 2:
            return None
        (first_ms, first), (last_ms, last) = self._counts[0], self._counts[-1]
        return (last - first) * 1000 / max(last_ms - first_ms, 1)


class PipelineFeed:
    """Folds the topic ``health``: of each raw partition the newest record.

    Args:
        partitions: how many raw partitions there are.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = [_Partition() for _ in range(partitions)]

    def apply(self, records: Sequence[Record]) -> None:
        """Take in the next records of one partition."""
        for record in records:
            if record.value is None:
                continue
            try:
                health = _decode(record.value)
            except msgspec.MsgspecError as error:
                log.warning("A record of health cannot be read: %s", error)
                continue
            published_ms = parse_timestamp_ms(health.published_at)
            if published_ms is not None and 0 <= health.partition < len(self._partitions):
                self._partitions[health.partition].take(health, published_ms)

    def clear(self) -> None:
        """Forget everything."""
        self._partitions = [_Partition() for _ in self._partitions]

    def clock_ms(self) -> int | None:
        """The server time that the pipeline has reached; None: not known."""
        clocks = (it.health.clock for it in self._partitions if it.health is not None)
        times = (parse_timestamp_ms(clock) for clock in clocks if clock is not None)
        return max((time for time in times if time is not None), default=None)

    def state(self, now_ms: int, rejected: list[RejectedReason]) -> PipelineState:
        """The pipeline as it is at ``now_ms`` of the wall clock.

        The totals are over all partitions ever heard of, all else over those that report.
        """
        known = [it.health for it in self._partitions if it.health is not None]
        reporting = [
            it
            for it in self._partitions
            if it.health is not None and now_ms - it.published_ms <= SILENT_MS
        ]
        current = [it.health for it in reporting if it.health is not None]
        freshness = _known(max, (it.freshness_seconds for it in current))
        rate = _known(sum, (it.events_per_second() for it in reporting))
        saved_ms = _known(
            min, (parse_timestamp_ms(it.checkpoint_at) for it in current if it.checkpoint_at)
        )
        return PipelineState(
            partitions=len(self._partitions),
            reporting=len(reporting),
            lag_records=_known(sum, (it.lag_records for it in current)),
            freshness_seconds=None if freshness is None else round(freshness, 3),
            # Not their sum: one that is short must not make up for one that is over.
            ledger_imbalance=_known(sum, (abs(it.ledger_imbalance) for it in current)),
            checkpoint_age_seconds=(
                None if saved_ms is None else round(max(now_ms - saved_ms, 0) / 1000, 1)
            ),
            accepted=_known(sum, (it.accepted for it in known)),
            duplicates=_known(sum, (it.duplicates for it in known)),
            events_per_second=None if rate is None else round(rate, 1),
            rejected=rejected,
        )


def _known(combine: Callable[[list[N]], N], numbers: Iterable[N | None]) -> N | None:
    """Combine the numbers that are known; None: there is none."""
    known = [number for number in numbers if number is not None]
    return combine(known) if known else None
