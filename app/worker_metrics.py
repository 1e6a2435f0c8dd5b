"""Everything a worker exports: plain integers of the core, turned into metrics at scrape time."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from agents.intake import Intake
from agents.windows import Windows
from app.health_metrics import HealthMetrics
from app.rolling_metrics import rolling_families
from models.events import CUSTOM, EVENT_TYPES
from models.figures import (
    COMPLETIONS,
    IMPRESSIONS,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    WATCH_MS,
)
from models.quality import DIRECTIONS
from models.verdicts import REASONS
from models.views import OUTCOMES
from tables.counters import LIMITS, Counters, Histogram
from tables.partition import ACCEPTED, DUPLICATE, REJECTED

_OUTCOMES = (ACCEPTED, DUPLICATE, REJECTED)
_FIGURES = (
    ("impressions", "Impressions", IMPRESSIONS),
    ("plays", "Views that showed a first frame", PLAYS),
    ("completions", "Views watched to the end", COMPLETIONS),
    ("rebuffers", "Stalls", REBUFFERS),
    ("rebuffered_views", "Ended views with at least one stall", REBUFFERED_VIEWS),
)
_FIGURES_MS = (
    ("watch_seconds", "Playing time in seconds", WATCH_MS),
    ("rebuffer_seconds", "Stall time in seconds", REBUFFER_MS),
)


class WorkerCollector(Collector):
    """Collects the counters, the rolling figures and the health of one worker.

    Args:
        is_current: whether the partitions are still known to be this worker's. Where they are
            not, no figure of theirs is shown.
    """

    def __init__(
        self,
        counters: Counters,
        intake: Intake,
        windows: Windows,
        health: HealthMetrics,
        is_current: Callable[[], bool],
    ) -> None:
        self._counters = counters
        self._intake = intake
        self._windows = windows
        self._health = health
        self._is_current = is_current

    def describe(self) -> Iterable[Metric]:
        """Nothing to check against: every name here is unique."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        for owned in self._intake.partitions.values():
            owned.state.panes.fold()
        yield from self._counted()
        if self._is_current():
            yield from rolling_families(self._windows.slices())
            yield from self._health.partition_families()
        yield from self._health.families()

    def _counted(self) -> Iterator[Metric]:
        counters = self._counters
        events = CounterMetricFamily(
            "playvitals_events", "Raw events by type and outcome", labels=("event", "outcome")
        )
        counts = dict.fromkeys(
            ((event, outcome) for event in (*EVENT_TYPES, CUSTOM) for outcome in _OUTCOMES), 0
        )
        for labels, count in (counts | counters.events).items():
            events.add_metric(labels, count)
        yield events
        yield _by_label("rejected", "Events refused, by rule", "reason", REASONS, counters.rejected)
        yield _by_label("views", "Views that are over", "outcome", OUTCOMES, counters.views)
        yield _by_label(
            "views_cut_short", "Views that a limit ended", "limit", LIMITS, counters.cut_short
        )
        yield _by_label("errors", "Playback errors", "code", (), counters.errors)
        yield _by_label(
            "quality_changes",
            "Switches of the rendition",
            "direction",
            DIRECTIONS,
            counters.quality_changes,
        )
        for name, meaning, figure in _FIGURES:
            yield CounterMetricFamily(f"playvitals_{name}", meaning, value=counters.total(figure))
        for name, meaning, figure in _FIGURES_MS:
            yield CounterMetricFamily(
                f"playvitals_{name}", meaning, value=counters.total(figure) / 1000
            )
        yield CounterMetricFamily(
            "playvitals_adjusted_timestamps",
            "Events whose timestamp was corrected by the client's clock or held at server time",
            value=counters.adjusted_timestamps,
        )
        yield CounterMetricFamily(
            "playvitals_late_events",
            "Accepted events too old for the panes that are kept",
            value=counters.late_events,
        )
        yield CounterMetricFamily(
            "playvitals_misrouted",
            "Accepted events that were not in the partition of their key",
            value=counters.misrouted,
        )
        yield CounterMetricFamily(
            "playvitals_ticks", "Records that only moved the clock", value=counters.ticks
        )
        yield _histogram("startup_seconds", "Startup time of a view in seconds", counters.startup)
        yield _histogram(
            "event_delay_seconds", "Event time to server time, in seconds", counters.event_delay
        )
        yield _histogram(
            "event_age_seconds", "Server receipt to counted, in seconds", counters.event_age
        )


def _by_label(
    name: str, meaning: str, label: str, known: Iterable[str], counts: Mapping[str, int]
) -> Metric:
    family = CounterMetricFamily(f"playvitals_{name}", meaning, labels=(label,))
    for value, count in (dict.fromkeys(known, 0) | dict(counts)).items():
        family.add_metric((value,), count)
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    buckets = []
    total = 0
    edges = [_edge_label(edge) for edge in histogram.edges_ms]
    for edge, count in zip([*edges, "+Inf"], histogram.counts, strict=True):
        total += count
        buckets.append((edge, float(total)))
    return HistogramMetricFamily(
        f"playvitals_{name}", meaning, buckets=buckets, sum_value=histogram.sum_ms / 1000
    )


def _edge_label(edge_ms: int) -> str:
    """An edge in seconds, written as Prometheus clients write it."""
    label: str = floatToGoString(edge_ms / 1000)  # type: ignore[no-untyped-call] # it has no types
    return label
