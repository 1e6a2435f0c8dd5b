"""The health of one worker's pipeline: what waits, what is kept, how durable it is."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agents.checkpoints import Checkpointer
from agents.intake import Intake
from agents.restoring import Ownership
from models.checkpoints import KINDS
from tables.counters import Counters


class HealthMetrics:
    """What a worker says about itself.

    Args:
        lag_of: records of a raw partition after the given next offset; None: not known yet.
    """

    def __init__(
        self,
        counters: Counters,
        intake: Intake,
        checkpointer: Checkpointer,
        ownership: Ownership,
        lag_of: Callable[[int, int], int | None],
    ) -> None:
        self._counters = counters
        self._intake = intake
        self._checkpointer = checkpointer
        self._ownership = ownership
        self._lag_of = lag_of

    def partition_families(self) -> Iterator[Metric]:
        """What there is one series of per raw partition."""
        lag = GaugeMetricFamily(
            "playvitals_lag_records", "Raw records not processed yet", labels=("partition",)
        )
        imbalance = GaugeMetricFamily(
            "playvitals_ledger_imbalance",
            "Raw records passed less those accepted, duplicate or rejected; always 0",
            labels=("partition",),
        )
        for partition, owned in sorted(self._intake.partitions.items()):
            records = self._lag_of(partition, owned.state.upto + 1)
            if records is not None:
                lag.add_metric((str(partition),), records)
            imbalance.add_metric((str(partition),), owned.ledger_imbalance())
        yield lag
        yield imbalance

    def families(self) -> Iterator[Metric]:
        """What there is one series of per worker."""
        dedupe_ids = open_views = 0
        stored_bytes = dict.fromkeys(KINDS, 0)
        for owned in self._intake.partitions.values():
            dedupe_ids += len(owned.state.dedupe)
            open_views += owned.state.views.open_views
            for kind, size in owned.log.stored_bytes().items():
                stored_bytes[kind] += size
        yield GaugeMetricFamily(
            "playvitals_dedupe_ids", "Event ids remembered for deduplication", value=dedupe_ids
        )
        yield GaugeMetricFamily("playvitals_open_views", "Views not over yet", value=open_views)
        state = GaugeMetricFamily(
            "playvitals_state_bytes", "Size of the stored checkpoints in bytes", labels=("kind",)
        )
        for kind, size in stored_bytes.items():
            state.add_metric((kind,), size)
        yield state
        if self._counters.last_event_ms:
            yield GaugeMetricFamily(
                "playvitals_last_event_timestamp_seconds",
                "Server time of the newest accepted event, in seconds since 1970",
                value=self._counters.last_event_ms / 1000,
            )
        yield from self._checkpoint_families()

    def _checkpoint_families(self) -> Iterator[Metric]:
        checkpointer = self._checkpointer
        saved_at = [owned.saved_at_seconds for owned in self._intake.partitions.values()]
        if saved_at:
            yield GaugeMetricFamily(
                "playvitals_checkpoint_timestamp_seconds",
                "When all owned partitions were last durable, in seconds since 1970",
                value=min(saved_at),
            )
        yield GaugeMetricFamily(
            "playvitals_checkpoint_duration_seconds",
            "Time that the last checkpoint took, acknowledgements included, in seconds",
            value=checkpointer.duration_seconds,
        )
        yield GaugeMetricFamily(
            "playvitals_checkpoint_pause_seconds",
            "Longest time that taking a checkpoint kept everything else waiting, in seconds",
            value=checkpointer.pause_seconds,
        )
        yield CounterMetricFamily(
            "playvitals_checkpoint_failures",
            "Checkpoints that could not be made durable",
            value=checkpointer.failures,
        )
        yield GaugeMetricFamily(
            "playvitals_restore_duration_seconds",
            "Time that the last restore of a partition took, in seconds",
            value=self._ownership.restore_seconds,
        )
