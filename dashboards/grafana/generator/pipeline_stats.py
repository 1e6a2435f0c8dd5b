"""Whether the figures can be trusted: the figures of the pipeline that two dashboards show."""

from grafana_foundation_sdk.builders import stat

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.documents import PIPELINE, described, to_dashboard
from dashboards.grafana.generator.panels import COUNT, SECONDS, STAT_WIDTH, stat_panel
from dashboards.grafana.generator.queries import histogram_quantile

NO_WORKER = "no worker"
NO_EVENTS = "no events"
# Sections of the document that defines every metric.
HEALTH = "health-of-the-pipeline"
COUNTED = "counters-and-histograms"

TO_PIPELINE = to_dashboard(PIPELINE)

WORKERS = "count(playvitals_open_views)"


def reporting(width: int = STAT_WIDTH) -> stat.Panel:
    """How many workers there are."""
    return stat_panel(
        "Workers reporting",
        f"{WORKERS} or vector(0)",
        described(
            "Workers that Prometheus reads. Good: as many as are deployed. With fewer, the rest"
            " takes over their partitions and falls behind if it is too much.",
            HEALTH,
        ),
        unit=COUNT,
        steps=targets.some_is_good(),
        no_value=NO_WORKER,
        url=TO_PIPELINE,
        width=width,
    )


def freshness(width: int = STAT_WIDTH) -> stat.Panel:
    """How long an event takes until it counts."""
    return stat_panel(
        "Receipt to counted, p99",
        histogram_quantile("playvitals_event_age_seconds", 0.99),
        described(
            "99 of 100 events are counted this soon after the broker took them. Promised: within"
            " 5 s. Above, the figures describe the past.",
            COUNTED,
        ),
        unit=SECONDS,
        steps=targets.FRESHNESS_SECONDS,
        no_value=NO_EVENTS,
        url=TO_PIPELINE,
        width=width,
    )


def lag(width: int = STAT_WIDTH) -> stat.Panel:
    """How much waits."""
    return stat_panel(
        "Records waiting",
        "sum(max by (partition) (playvitals_lag_records))",
        described(
            "Raw records that no worker has processed yet, over all partitions. Good: less than"
            " a second of traffic, and not growing.",
            HEALTH,
        ),
        unit=COUNT,
        steps=targets.LAG_RECORDS,
        no_value=NO_WORKER,
        url=TO_PIPELINE,
        width=width,
    )


def ledger(width: int = STAT_WIDTH) -> stat.Panel:
    """Whether every record is accounted for."""
    return stat_panel(
        "Records unaccounted for",
        "sum(max by (partition) (abs(playvitals_ledger_imbalance)))",
        described(
            "Raw records passed that ended neither as accepted nor duplicate nor rejected."
            " Always 0; anything else means wrong figures.",
            HEALTH,
        ),
        unit=COUNT,
        steps=targets.none_is_good(),
        no_value=NO_WORKER,
        url=TO_PIPELINE,
        width=width,
    )
