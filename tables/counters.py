"""What one process has counted since it started: the source of the Prometheus counters.

Plain integers, read by a collector at scrape time, so that no metric object is touched per event.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from models.dimensions import MAX_VALUE_CHARACTERS
from models.figures import SUMS

STARTUP_EDGES_MS = (100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000)
DELAY_EDGES_MS = (100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 3_600_000)
AGE_EDGES_MS = (50, 100, 250, 500, 1000, 2000, 3000, 5000, 10_000, 30_000, 60_000, 300_000)
MAX_ERROR_CODES = 50
OTHER_CODE = "other"
VIEWER_LIMIT = "viewer"
PARTITION_LIMIT = "partition"
LIMITS = (VIEWER_LIMIT, PARTITION_LIMIT)
"""What a view that was cut short was one too many for."""


class Histogram:
    """Counts per bucket (the last one is unbounded) and the sum of what was observed."""

    __slots__ = ("_owed", "_owed_ms", "counts", "edges_ms", "sum_ms")

    def __init__(self, edges_ms: tuple[int, ...]) -> None:
        self.edges_ms = edges_ms
        self.counts = [0] * (len(edges_ms) + 1)
        self.sum_ms = 0
        self._owed = [0] * len(self.counts)
        self._owed_ms = 0

    def observe(self, value_ms: int) -> None:
        """Count one duration; a negative one (clocks differ) counts as none."""
        value_ms = max(value_ms, 0)
        bucket = self._bucket_of(value_ms)
        if self._owed[bucket]:
            self._owed[bucket] -= 1
        else:
            self.counts[bucket] += 1
        paid_ms = min(self._owed_ms, value_ms)
        self._owed_ms -= paid_ms
        self.sum_ms += value_ms - paid_ms

    def take_back(self, value_ms: int) -> None:
        """One duration that was observed did not count. Nothing falls: the next ones make up."""
        self._owed[self._bucket_of(value_ms)] += 1
        self._owed_ms += value_ms

    def _bucket_of(self, value_ms: int) -> int:
        # Edges are few, and the first ones most likely: looked at in turn they take least time.
        bucket = 0
        for edge_ms in self.edges_ms:
            if value_ms <= edge_ms:
                break
            bucket += 1
        return bucket

    def observe_many(self, values_ms: Iterable[int]) -> None:
        """Count several durations at the cost of sorting them."""
        values = sorted(values_ms)
        below = 0
        for bucket, edge in enumerate(self.edges_ms):
            upto = bisect_left(values, edge + 1)
            self.counts[bucket] += upto - below
            below = upto
        self.counts[-1] += len(values) - below
        self.sum_ms += sum(values[bisect_left(values, 0) :])


class Counters:
    """Everything a worker process counts, over all partitions it has owned."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.rejected: Counter[str] = Counter()
        self.views: Counter[str] = Counter()
        self.cut_short: Counter[str] = Counter()
        self.quality_changes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.adjusted_timestamps = 0
        self.late_events = 0
        self.misrouted = 0
        self.ticks = 0
        self.last_event_ms = 0
        self.startup = Histogram(STARTUP_EDGES_MS)
        self.event_delay = Histogram(DELAY_EDGES_MS)
        self.event_age = Histogram(AGE_EDGES_MS)
        self._balances = [0] * SUMS
        self._totals = [0] * SUMS

    def add_sums(self, sums: list[int]) -> None:
        """Count what a pane gained. A correction downwards is held back until gains exceed it."""
        balances, totals = self._balances, self._totals
        for i, amount in enumerate(sums):
            if amount:
                balances[i] += amount
                if balances[i] > totals[i]:
                    totals[i] = balances[i]

    def total(self, figure: int) -> int:
        """A figure's total since the process started; it never falls."""
        return self._totals[figure]

    def add_error(self, code: str) -> None:
        """Count a playback error under its code, cut to the bound of labels, or under ``other``
        once there are too many."""
        code = code[:MAX_VALUE_CHARACTERS]
        if code not in self.errors and len(self.errors) >= MAX_ERROR_CODES:
            code = OTHER_CODE
        self.errors[code] += 1
