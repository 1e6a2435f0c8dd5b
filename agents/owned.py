"""A raw partition that a worker owns: its state, its ledger, its ticks and its checkpoints."""

import logging
from bisect import bisect_right
from enum import Enum
from operator import attrgetter

from xxhash import xxh3_64_intdigest

from agents.folding import Fold
from models.checkpoints import Totals
from models.errors import OperatorError
from tables.checkpoint_log import CheckpointLog
from tables.partition import PartitionState, Record
from tables.ticks import TickSchedule

log = logging.getLogger(__name__)

_SIGN_BIT = 1 << 63
_offset = attrgetter("offset")
NOTHING_READ = -1
"""The fingerprint of a partition of which no record was read yet."""


class Continuity(Enum):
    """What to do with a fold that was handed over."""

    APPLY = "apply"
    SKIP = "skip"
    FETCH_AGAIN = "fetch again"


class OwnedPartition:
    """A raw partition of this worker."""

    def __init__(self, state: PartitionState, ticks: TickSchedule, log: CheckpointLog) -> None:
        self.state = state
        self.ticks = ticks
        self.log = log
        self.passed = 0
        """Records that the transport handed over, less ticks: what the state must account for."""
        self.published_clock_ms = -1
        self.saved_at_seconds = 0.0
        """When all that was counted was last durable, in seconds since 1970."""
        self._fingerprint = NOTHING_READ
        self._unverified = False
        self._gap_at: int | None = None

    def next_offset(self) -> int | None:
        """The raw offset to consume from; None: the beginning.

        Of a restored partition the last record is read once more, to see that it is the same.
        """
        upto = self.state.upto
        if upto < 0:
            return None
        return upto if self._unverified else upto + 1

    def restored(self, totals: Totals, fingerprint: int, wall_ms: int) -> None:
        """The state was restored from a checkpoint with these totals."""
        self.passed = totals.passed
        self._fingerprint = fingerprint
        self._unverified = fingerprint != NOTHING_READ
        if totals.behind_ms is not None:
            self.ticks.restore(wall_ms, totals.behind_ms)

    def continuity(self, fold: Fold) -> Continuity:
        """Whether a fold continues the state.

        Offsets may leave gaps, so a fold that seems to begin too late is fetched again before it
        is believed: a transport that dropped records must not lose them.

        Raises:
            OperatorError: the last record that was counted is not the one that is there now.
        """
        upto, first = self.state.upto, fold[0]
        if self._unverified:
            self._unverified = False
            if first.offset == upto and fingerprint_of(first) != self._fingerprint:
                raise OperatorError(
                    f"the raw topic is another one than the state was made from: partition "
                    f"{self.state.partition} has a different record at offset {upto}; if the "
                    "topic was created anew on purpose, begin anew with 'playvitals topics reset'"
                )
        if first.offset == self._gap_at:
            log.warning(
                "Raw partition %s has no records from offset %s to %s: they expired, or the topic "
                "never had them",
                self.state.partition,
                upto + 1,
                first.offset - 1,
            )
        if upto < 0 or first.offset <= upto + 1 or first.offset == self._gap_at:
            self._gap_at = None
            return Continuity.APPLY
        if self._gap_at is not None and first.offset > self._gap_at:
            return Continuity.SKIP
        self._gap_at = first.offset
        return Continuity.FETCH_AGAIN

    def apply(self, fold: Fold, wall_ms: int) -> tuple[list[int], int]:
        """Take in one fold; the server times of its new events, and how many new ticks it has."""
        state = self.state
        upto = state.upto
        times = state.apply(fold)
        if fold[-1].offset <= upto:
            return times, 0
        self._fingerprint = fingerprint_of(fold[-1])
        first_new = bisect_right(fold, upto, key=_offset)
        ticks = len(fold) - first_new - len(times)
        self.passed += len(times)
        self.ticks.saw(wall_ms, state.clock_ms, only_ticks=not times)
        return times, ticks

    def ledger_imbalance(self) -> int:
        """Records passed minus those accepted, dropped as duplicates or rejected: 0."""
        state = self.state
        return self.passed - state.accepted - state.duplicate - state.rejected

    def begin_checkpoint(self, generation: int) -> None:
        """Begin a checkpoint of everything as it is now; ``log`` goes on with it."""
        state = self.state
        totals = Totals(
            state.clock_ms,
            state.swept_ms,
            self.ticks.behind_ms,
            self.passed,
            state.accepted,
            state.duplicate,
            state.rejected,
            state.views.opened,
        )
        self.log.begin(totals, generation, self._fingerprint)


def fingerprint_of(record: Record) -> int:
    """A number that tells a record from another one at the same offset."""
    digest = xxh3_64_intdigest(record.value or b"", seed=record.timestamp & (_SIGN_BIT - 1))
    return digest & (_SIGN_BIT - 1)
