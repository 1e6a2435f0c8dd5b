"""One partition as a worker has it, without broker: its state, what it publishes, and their cost.

CPU time is of the process, which does nothing else: work on the machine beside it makes it longer
by what it takes of the caches, but does not count itself.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agents.checkpoints import VIEWERS_AT_ONCE
from agents.intake import Intake
from agents.owned import Continuity
from app.partitioner import partition_for
from bench.crowd import START_MS, CrowdRecord
from models.content_partials import decode_content_partial
from models.dimensions import DIMENSIONS
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tables.rules import PartitionRules

FOLD_RECORDS = 1000
PARTITIONS = 12
PUBLISH_MS = 1_000
"""Of server time between two publications of the panes, as in a worker that keeps up."""

_MINUTE_MS = 60_000
_TICK_MS = 5_000


class KeptOutputs:
    """Outputs that go nowhere, but for the publications, which are kept until they are taken."""

    def __init__(self) -> None:
        self.content_values: list[bytes] = []
        self.pane_values: list[bytes] = []

    def accepted(self, *_: object) -> None: ...

    def rejected(self, *_: object) -> None:
        raise AssertionError("a generated record was refused")

    def view(self, *_: object) -> None: ...

    def tick(self, *_: object) -> None: ...

    def contents(self, partition: int, value: bytes) -> None:
        self.content_values.append(value)

    def partial(self, dimension: str, value: bytes) -> None:
        self.pane_values.append(value)

    async def wait_room(self) -> None: ...

    def forget(self) -> None:
        """Keep nothing of what was published so far."""
        self.content_values.clear()
        self.pane_values.clear()

    def content_gains(self) -> int:
        """How many gains of one content in one minute the kept publications hold."""
        partials = map(decode_content_partial, self.content_values)
        return sum(len(minute.contents) for partial in partials for minute in partial.minutes)


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds that some records took: taking them in, and publishing panes each second."""

    apply_seconds: float
    publish_seconds: float
    publications: int


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """CPU seconds of a checkpoint, of its longest step, and the bytes that are written."""

    seconds: float
    longest_seconds: float
    bytes: int


class BenchPartition:
    """A partition that takes in records and publishes, as one of twelve of a worker.

    Records whose keys belong to another one cost what a misrouted record costs.
    """

    def __init__(self, outputs: KeptOutputs | None = None, number: int = 0) -> None:
        self.number = number
        self.outputs = outputs or KeptOutputs()
        self._clock_ms = START_MS
        self._next_publication_ms = START_MS
        rules = PartitionRules(
            topic="events.raw",
            kept_ms=61 * _MINUTE_MS,
            timeout_ms=15 * _MINUTE_MS,
            straggler_ms=30_000,
            open_views=10_000_000,
            views_per_viewer=1_000,
            dedupe_hours=24,
            dimensions=DIMENSIONS,
        )
        self._intake = Intake(
            rules, Counters(), self.outputs, partition_of, _TICK_MS, lambda: self._clock_ms
        )
        self.owned = self._intake.new_partition(number, Origin(rules.topic, PARTITIONS))
        self._intake.partitions[number] = self.owned

    def take_in(self, records: Sequence[CrowdRecord]) -> Spent:
        """Apply records in folds, and publish whenever a second of server time has passed."""
        apply_seconds = publish_seconds = 0.0
        publications = 0
        for at in range(0, len(records), FOLD_RECORDS):
            fold = list(records[at : at + FOLD_RECORDS])
            self._clock_ms = fold[-1].timestamp
            started = time.process_time()
            continuity = self._intake.apply(self.number, fold)
            apply_seconds += time.process_time() - started
            if continuity is not Continuity.APPLY:
                raise AssertionError("generated records left a gap")
            if self._clock_ms >= self._next_publication_ms:
                self._next_publication_ms = self._clock_ms + PUBLISH_MS
                publish_seconds += self.publish()
                publications += 1
        return Spent(apply_seconds, publish_seconds, publications)

    def checkpoint(self) -> Checkpointed:
        """Take a checkpoint, which is durable at once."""
        times = [time.process_time()]
        self.owned.begin_checkpoint(1)
        cut = None
        while cut is None:
            times.append(time.process_time())
            cut = self.owned.log.go_on(VIEWERS_AT_ONCE)
        times.append(time.process_time())
        self.owned.log.confirm()
        return Checkpointed(
            times[-1] - times[0],
            max(later - sooner for sooner, later in pairwise(times)),
            sum(len(key) + len(value) for key, value in cut.records),
        )

    def publish(self) -> float:
        """Publish the panes that changed; the CPU seconds that it took."""
        started = time.process_time()
        self._intake.publish_partition(self.owned)
        return time.process_time() - started


def partition_of(key: bytes) -> int:
    """The partition of a key, of the twelve that there are."""
    return partition_for(key, PARTITIONS)
