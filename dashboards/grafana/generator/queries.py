"""PromQL of the panels.

Rolling figures are gauges that two workers export for a moment around a hand-over, so they are
combined by ``max``. Counters and histograms are each worker's own, so they are summed. Neither
keeps a label that only tells which process was scraped (``instance``, ``job``, ``pod``).
"""

from dataclasses import dataclass

RATE = "$__rate_interval"
"""A range that always covers enough scrapes; Grafana knows how long."""

EVERYTHING = 'window="$window", dimension="all"'
CHOSEN = 'window="$window", dimension="$dimension"'
CHOSEN_VALUES = f'{CHOSEN}, value=~"$value"'
ALL_SLICES = 'window="$window", dimension!="all"'


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the name of its series in the legend."""

    promql: str
    legend: str


def rolling(name: str, quantile: float | None = None) -> str:
    """A rolling figure of all viewers: ``rebuffer_ratio``, ``plays``, …"""
    return f"max({_selected(name, EVERYTHING, quantile)})"


def rolling_by_value(
    name: str, quantile: float | None = None, *, selector: str = CHOSEN_VALUES
) -> str:
    """A rolling figure of each value of the chosen dimension."""
    return f"max by (value) ({_selected(name, selector, quantile)})"


def rolling_by_slice(name: str, quantile: float | None = None) -> str:
    """A rolling figure of each value of every dimension."""
    return f"max by (dimension, value) ({_selected(name, ALL_SLICES, quantile)})"


def rate(counter: str, *, by: str = "", selector: str = "") -> str:
    """Increase per second of a counter, over all processes."""
    return f"{_sum(by)}(rate({counter}{_braces(selector)}[{RATE}]))"


def share(part: str, whole: str) -> str:
    """``part`` of ``whole``, 0 to 1; a part without series is 0, a whole of 0 gives nothing."""
    return f"(({part}) or vector(0)) / ({whole} > 0)"


def histogram_quantile(histogram: str, quantile: float) -> str:
    """A quantile of a histogram, over all processes."""
    return f"histogram_quantile({quantile:g}, {rate(f'{histogram}_bucket', by='le')})"


def _selected(name: str, selector: str, quantile: float | None) -> str:
    wanted = selector if quantile is None else f'{selector}, quantile="{quantile:g}"'
    return f"playvitals_rolling_{name}{{{wanted}}}"


def _braces(selector: str) -> str:
    return f"{{{selector}}}" if selector else ""


def _sum(by: str) -> str:
    return f"sum by ({by}) " if by else "sum"
