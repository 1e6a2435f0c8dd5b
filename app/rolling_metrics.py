"""The rolling figures as Prometheus gauges."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from agents.windows import Slice
from models import formulas
from models.figures import (
    ACTIVE_VIEWERS,
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    WATCH_MS,
)
from models.histogram import quantiles_ms
from models.windows import QUANTILES_PER_MILLE

_LABELS = ("window", "dimension", "value")


def _mean_stall_seconds(sums: list[int]) -> float | None:
    mean_ms = formulas.mean_stall_ms(sums)
    return None if mean_ms is None else mean_ms / 1000


def _count(figure: int) -> Callable[[list[int]], float | None]:
    return lambda sums: sums[figure]


def _seconds(figure: int) -> Callable[[list[int]], float | None]:
    return lambda sums: max(sums[figure], 0) / 1000


# Each gauge once: its name, what it means with its unit, and how it follows from the figures.
# A value of None (a ratio whose denominator is 0) is no series.
_GAUGES: tuple[tuple[str, str, Callable[[list[int]], float | None]], ...] = (
    ("rebuffer_ratio", "Stall time / (stall + playing time), 0 to 1", formulas.rebuffer_ratio),
    (
        "rebuffered_views_ratio",
        "Ended views with a stall / ended views that started, 0 to 1",
        formulas.rebuffered_views_ratio,
    ),
    (
        "completion_ratio",
        "Completions / plays; can pass 1 in a short window",
        formulas.completion_ratio,
    ),
    (
        "exits_before_start_ratio",
        "Views left before the first frame, without an error / ended views, 0 to 1",
        formulas.exits_before_start_ratio,
    ),
    (
        "start_failure_ratio",
        "Views with an error before the first frame / ended views, 0 to 1",
        formulas.start_failure_ratio,
    ),
    (
        "playback_failure_ratio",
        "Started views with a fatal error / ended views, 0 to 1",
        formulas.playback_failure_ratio,
    ),
    (
        "wait_ratio",
        "(Startup + stall) / (startup + stall + playing time), 0 to 1",
        formulas.wait_ratio,
    ),
    (
        "mean_stall_seconds",
        "Stall time / stalls, in seconds",
        _mean_stall_seconds,
    ),
    ("plays", "Views that showed a first frame", _count(PLAYS)),
    ("completions", "Views watched to the end", _count(COMPLETIONS)),
    ("rebuffers", "Stalls", _count(REBUFFERS)),
    ("rebuffer_seconds", "Stall time in seconds", _seconds(REBUFFER_MS)),
    ("watch_seconds", "Playing time in seconds", _seconds(WATCH_MS)),
    ("ended_views", "Views that ended", _count(ENDED_VIEWS)),
    ("rebuffered_views", "Ended views with at least one stall", _count(REBUFFERED_VIEWS)),
    (
        "exits_before_start",
        "Ended views without a first frame and without an error",
        _count(EXITS_BEFORE_START),
    ),
    ("active_viewers", "Distinct sessions with an event", _count(ACTIVE_VIEWERS)),
)


SERIES_PER_SLICE = len(_GAUGES) + len(QUANTILES_PER_MILLE)
"""At most: one value of one dimension in one window."""


def rolling_families(slices: Iterable[Slice]) -> Iterator[Metric]:
    """The gauges ``playvitals_rolling_…`` of the given slices, with rising quantiles."""
    startup = GaugeMetricFamily(
        "playvitals_rolling_startup_seconds",
        "Startup time in seconds by quantile (inverted CDF, relative error at most 1 %)",
        labels=(*_LABELS, "quantile"),
    )
    gauges = [
        (GaugeMetricFamily(f"playvitals_rolling_{name}", meaning, labels=_LABELS), value_of)
        for name, meaning, value_of in _GAUGES
    ]
    for window, dimension, value, figures in slices:
        labels = (window, dimension, value)
        for family, value_of in gauges:
            number = value_of(figures.sums)
            if number is not None:
                family.add_metric(labels, number)
        quantiles = quantiles_ms(figures.startups, QUANTILES_PER_MILLE) or ()
        for per_mille, milliseconds in zip(QUANTILES_PER_MILLE, quantiles, strict=False):
            startup.add_metric((*labels, f"{per_mille / 1000:g}"), milliseconds / 1000)
    yield startup
    for family, _ in gauges:
        yield family
