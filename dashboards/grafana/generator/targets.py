"""From which value on a figure is worth a look, and from which on it is bad."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

GOOD = "green"
LOOK = "orange"
BAD = "red"
PLAIN = "blue"

Steps = tuple[Threshold, ...]
"""Colours with the value that each begins at; the first begins below everything."""


def low_is_good(look: float, bad: float) -> Steps:
    """Green below ``look``, orange from there, red from ``bad``."""
    return (Threshold(color=GOOD), Threshold(look, LOOK), Threshold(bad, BAD))


def some_is_good() -> Steps:
    """Red below 1, for what there must be at least one of."""
    return (Threshold(color=BAD), Threshold(1, GOOD))


def none_is_good() -> Steps:
    """Green at 0, red above it, for counts and rates of what must not happen."""
    return (Threshold(color=GOOD), Threshold(1e-9, BAD))


def neutral() -> Steps:
    """One colour: how much there is says nothing about whether it is good."""
    return (Threshold(color=PLAIN),)


# The targets of the project: half of the plays start within 0.5 s, 95 % within 2 s, fewer than
# 2 % of the views stall, and a stall lasts less than 1 s. Orange misses that, red is bad.
STARTUP_P50_SECONDS = low_is_good(0.5, 1)
STARTUP_P95_SECONDS = low_is_good(2, 4)
STARTUP_P99_SECONDS = low_is_good(4, 8)
REBUFFERED_VIEWS = low_is_good(0.02, 0.05)
MEAN_STALL_SECONDS = low_is_good(1, 3)
# The rest has no target of its own; these are what healthy playback stays below.
REBUFFER_RATIO = low_is_good(0.01, 0.03)
FAILURES = low_is_good(0.01, 0.03)
WAIT_RATIO = low_is_good(0.05, 0.1)
EXITS = low_is_good(0.3, 0.5)
# How many records may wait follows from the traffic; their age is what is promised.
LAG_RECORDS = low_is_good(10_000, 100_000)
# Of all below red is where an alert begins. Figures are promised within 5 s of the event (99 of
# 100, at half the capacity).
FRESHNESS_SECONDS = low_is_good(5, 10)
CHECKPOINT_AGE_SECONDS = low_is_good(60, 120)
REJECTED = low_is_good(0.01, 0.05)
API_ERRORS = low_is_good(0.001, 0.006)
API_SECONDS = low_is_good(0.25, 1)


def thresholds(steps: Steps) -> build.ThresholdsConfig:
    """The steps as Grafana has them."""
    return build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(list(steps))
