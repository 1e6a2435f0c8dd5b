"""Pipeline: can the figures be trusted, and if not, what stands still."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.documents import PIPELINE, described
from dashboards.grafana.generator.frame import Row, dashboard
from dashboards.grafana.generator.panels import (
    COUNT,
    EVENTS_PER_SECOND,
    RATIO,
    SECONDS,
    chart,
    histogram_panel,
    stat_panel,
)
from dashboards.grafana.generator.pipeline_events import pipeline_events, pipeline_resources
from dashboards.grafana.generator.pipeline_stats import (
    COUNTED,
    HEALTH,
    NO_EVENTS,
    NO_WORKER,
    freshness,
    lag,
    ledger,
    reporting,
)
from dashboards.grafana.generator.queries import Query, histogram_quantile, rate, share


def pipeline() -> Dashboard:
    """The dashboard that says whether to believe the other ones."""
    return dashboard(
        PIPELINE,
        "Pipeline",
        "Can the figures be trusted, and if not, what stands still?",
        [
            Row("Can the figures be trusted?", _now()),
            Row("Since when, and what stands still?", _course()),
            Row("What comes in?", pipeline_events()),
            Row("Is a worker short of something?", pipeline_resources()),
        ],
    )


def _now() -> list[stat.Panel]:
    return [
        reporting(),
        freshness(),
        lag(),
        ledger(),
        stat_panel(
            "Newest event",
            "time() - max(playvitals_last_event_timestamp_seconds)",
            described(
                "How long ago the newest accepted event reached the broker. Good: seconds. It"
                " grows where no events come in, or none is processed: see what waits.",
                HEALTH,
            ),
            unit=SECONDS,
            steps=targets.low_is_good(60, 300),
            no_value="no event yet",
            decimals=0,
        ),
        stat_panel(
            "Oldest checkpoint",
            "time() - min(playvitals_checkpoint_timestamp_seconds)",
            described(
                "How long ago the state of every partition was last durable. Good: under a"
                " minute. What came since is read again after a crash.",
                HEALTH,
            ),
            unit=SECONDS,
            steps=targets.CHECKPOINT_AGE_SECONDS,
            no_value=NO_WORKER,
            decimals=0,
        ),
        stat_panel(
            "Rejected",
            share(
                rate("playvitals_events_total", selector='outcome="rejected"'),
                rate("playvitals_events_total"),
            ),
            described(
                "Share of the raw events that break a rule. Good: under 1 %. A jump is mostly a"
                " release of one app: the rules and samples are in the topic of rejected events"
                " and on the live page.",
                COUNTED,
            ),
            unit=RATIO,
            steps=targets.REJECTED,
            no_value=NO_EVENTS,
            decimals=2,
        ),
        stat_panel(
            "Misrouted in 1 h",
            "sum(increase(playvitals_misrouted_total[1h]))",
            described(
                "Accepted events that were not in the partition of their key: a producer"
                " partitions otherwise. Good: 0. Their views and duplicates are not seen whole.",
                COUNTED,
            ),
            unit=COUNT,
            steps=targets.none_is_good(),
            no_value=NO_WORKER,
            decimals=0,
        ),
    ]


def _course() -> list[Builder[Panel]]:
    return [
        chart(
            "Records waiting by partition",
            [Query("max by (partition) (playvitals_lag_records)", "{{partition}}")],
            described(
                "Raw records not processed yet. Good: near 0, all alike. All growing: too few"
                " workers. One growing: its worker hangs, or one key sends too much.",
                HEALTH,
            ),
            unit=COUNT,
            steps=targets.LAG_RECORDS,
            no_value=NO_WORKER,
        ),
        chart(
            "Receipt to counted",
            [
                Query(histogram_quantile("playvitals_event_age_seconds", quantile), legend)
                for quantile, legend in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ],
            described(
                "From the broker's receipt of a record to its being counted. Promised: p99 under"
                " 5 s, where the first line is.",
                COUNTED,
            ),
            unit=SECONDS,
            steps=targets.FRESHNESS_SECONDS,
            no_value=NO_EVENTS,
        ),
        histogram_panel(
            "Event time to receipt, events per second",
            rate("playvitals_event_delay_seconds_bucket", by="le"),
            described(
                "How late events arrive at the broker. Good: seconds, since apps send in"
                " batches. Minutes are phones that were offline; a broad shift is the API or the"
                " network in front of it.",
                COUNTED,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_EVENTS,
        ),
        chart(
            "Age of the checkpoints by worker",
            [
                Query(
                    "time() - max by (instance) (playvitals_checkpoint_timestamp_seconds)",
                    "{{instance}}",
                )
            ],
            described(
                "How long ago all partitions of a worker were last durable. Good: about the"
                " interval of the checkpoints, 10 s unless set otherwise.",
                HEALTH,
            ),
            unit=SECONDS,
            steps=targets.CHECKPOINT_AGE_SECONDS,
            no_value=NO_WORKER,
        ),
        chart(
            "Time that checkpoints and restores take",
            [
                Query("max(playvitals_checkpoint_duration_seconds)", "checkpoint"),
                Query("max(playvitals_checkpoint_pause_seconds)", "longest pause"),
                Query("max(playvitals_restore_duration_seconds)", "restore"),
            ],
            described(
                "The slowest worker's last checkpoint, the longest that one has kept everything"
                " else waiting, and its last restore. Good: checkpoints well under their"
                " interval, pauses under a second.",
                HEALTH,
            ),
            unit=SECONDS,
            steps=targets.low_is_good(5, 10),
            no_value=NO_WORKER,
        ),
        chart(
            "Failed checkpoints",
            [
                Query(
                    "sum by (instance)"
                    " (increase(playvitals_checkpoint_failures_total[$__rate_interval]))",
                    "{{instance}}",
                )
            ],
            described(
                "Checkpoints that could not be made durable. Good: 0. After three in a row the"
                " worker exits to be started again.",
                HEALTH,
            ),
            unit=COUNT,
            steps=targets.none_is_good(),
            no_value=NO_WORKER,
        ),
    ]
