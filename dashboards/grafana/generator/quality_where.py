"""Where is it, and what is to be done: the worst slices, and the alerts with their runbooks."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.annotations import FIRING
from dashboards.grafana.generator.documents import (
    BREAKDOWN,
    RUNBOOK_OF_CELL,
    described,
    to_dashboard,
)
from dashboards.grafana.generator.panels import COUNT, RATIO, SECONDS
from dashboards.grafana.generator.queries import rolling_by_slice
from dashboards.grafana.generator.tables import Column, alert_table, slice_table

# Ways to go wrong that a ranking makes sense for, by the name of the rolling figure.
RANKINGS = {
    "Rebuffer ratio": "rebuffer_ratio",
    "Rebuffered views": "rebuffered_views_ratio",
    "Mean stall": "mean_stall_seconds",
    "Startup p99": "startup_seconds",
    "Start failures": "start_failure_ratio",
    "Playback failures": "playback_failure_ratio",
    "Exits before start": "exits_before_start_ratio",
    "Wait ratio": "wait_ratio",
}
WORST_SLICES = 15

TO_SLICE = to_dashboard(
    BREAKDOWN,
    *("window", "minimum_plays"),
    dimension="${__data.fields.dimension}",
    value="${__data.fields.value}",
)


def worst_slices() -> Builder[Panel]:
    """The slices of all dimensions in one ranking; a click leads to the breakdown."""
    ranking = rolling_by_slice("${metric}")
    enough = f"{rolling_by_slice('plays')} >= $minimum_plays"
    top = f"topk({WORST_SLICES}, {ranking} and {enough})"

    def column(title: str, promql: str, unit: str, steps: targets.Steps) -> Column:
        return Column(title, f"{promql} and {top}", unit, steps)

    failed = (
        f"({rolling_by_slice('start_failure_ratio')}"
        f" + {rolling_by_slice('playback_failure_ratio')})"
    )
    return slice_table(
        "Worst slices of every dimension",
        [
            Column("Ranked by", top, "none", targets.neutral()),
            column("Plays", rolling_by_slice("plays"), COUNT, targets.neutral()),
            column(
                "Rebuffer ratio",
                rolling_by_slice("rebuffer_ratio"),
                RATIO,
                targets.REBUFFER_RATIO,
            ),
            column(
                "Rebuffered views",
                rolling_by_slice("rebuffered_views_ratio"),
                RATIO,
                targets.REBUFFERED_VIEWS,
            ),
            column(
                "Startup p95",
                rolling_by_slice("startup_seconds", 0.95),
                SECONDS,
                targets.STARTUP_P95_SECONDS,
            ),
            column("Failed views", failed, RATIO, targets.FAILURES),
        ],
        described(
            f"The {WORST_SLICES} worst slices by the figure chosen above, of all dimensions at"
            " once. The cause is the slice that stands out while the other values of its"
            " dimension are fine. Good: no coloured cells. Click a value to break it down.",
            "under-which-values",
        ),
        labels=("dimension", "value"),
        sort_by="Ranked by",
        no_value="no slice with enough plays",
        url=TO_SLICE,
        width=16,
    )


def firing_alerts() -> Builder[Panel]:
    """The alerts that fire; a click on a name leads to its runbook."""
    return alert_table(
        "Alerts",
        f"max by (alertname, severity, dimension, value) ({FIRING})",
        described(
            "Alerts that fire now, with the slice where an alert is about one. Good: none. Click"
            " a name for its runbook: what it means, how to confirm it, and what to do.",
            "queries",
        ),
        no_value="no alert fires",
        url=RUNBOOK_OF_CELL,
        width=8,
    )
