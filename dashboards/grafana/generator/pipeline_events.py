"""What comes into the pipeline, and what the workers use for it."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.documents import described
from dashboards.grafana.generator.panels import BYTES, COUNT, EVENTS_PER_SECOND, chart
from dashboards.grafana.generator.pipeline_stats import COUNTED, HEALTH, NO_EVENTS, NO_WORKER
from dashboards.grafana.generator.processes import WORKER, cpu, memory
from dashboards.grafana.generator.queries import Query, rate


def pipeline_events() -> list[Builder[Panel]]:
    """What comes in, what becomes of it, and what is wrong with it."""
    return [
        chart(
            "Raw events by outcome",
            [Query(rate("playvitals_events_total", by="outcome"), "{{outcome}}")],
            described(
                "What became of the raw events. Good: nearly all accepted. Many duplicates are"
                " clients that send again: their requests time out.",
                COUNTED,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_EVENTS,
            stacked=True,
            width=6,
        ),
        chart(
            "Accepted events by type",
            [
                Query(
                    rate("playvitals_events_total", by="event", selector='outcome="accepted"'),
                    "{{event}}",
                )
            ],
            described(
                "What apps send. A type that ends is a release that no longer sends it; the"
                " figures made of it then look fine.",
                COUNTED,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_EVENTS,
            stacked=True,
            width=6,
        ),
        chart(
            "Rejected events by rule",
            [Query(rate("playvitals_rejected_total", by="reason"), "{{reason}}")],
            described("Events refused, by the first rule they break. Good: 0.", COUNTED),
            unit=EVENTS_PER_SECOND,
            steps=targets.none_is_good(),
            no_value=NO_EVENTS,
            stacked=True,
            width=6,
        ),
        chart(
            "Accepted with a fault",
            [
                Query(rate("playvitals_late_events_total"), "too late for the figures"),
                Query(rate("playvitals_adjusted_timestamps_total"), "timestamp adjusted"),
                Query(rate("playvitals_misrouted_total"), "misrouted"),
            ],
            described(
                "Accepted events that came too late for the rolling figures, whose clock was"
                " wrong, or that were in the wrong partition. Good: near 0, and no misrouted ones.",
                COUNTED,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_EVENTS,
            width=6,
        ),
    ]


def pipeline_resources() -> list[Builder[Panel]]:
    """What the workers use and keep."""
    return [
        cpu("Processor time by worker", WORKER, NO_WORKER),
        memory("Memory by worker", WORKER, NO_WORKER),
        chart(
            "Kept in memory",
            [
                Query("sum(playvitals_dedupe_ids)", "event ids"),
                Query("sum(playvitals_open_views)", "open views"),
            ],
            described(
                "Ids remembered for 24 to 25 hours, about 10 bytes each, and views not over yet."
                " Both follow the traffic; open views have a limit.",
                HEALTH,
            ),
            unit=COUNT,
            steps=targets.neutral(),
            no_value=NO_WORKER,
            width=6,
        ),
        chart(
            "Stored checkpoints",
            [Query("sum by (kind) (playvitals_state_bytes)", "{{kind}}")],
            described(
                "Size of the checkpoints in the state topic: what a worker reads when it takes"
                " over the partitions. It follows the traffic of a day.",
                HEALTH,
            ),
            unit=BYTES,
            steps=targets.neutral(),
            no_value=NO_WORKER,
            stacked=True,
            width=6,
        ),
    ]
