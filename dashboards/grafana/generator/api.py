"""API: do events get in, how fast, and what is refused."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.api_now import (
    ANSWER_SECONDS,
    DOC,
    EVENTS,
    NO_API,
    NO_REQUESTS,
    REFUSED_EVENTS,
    REQUESTS,
    api_now,
)
from dashboards.grafana.generator.documents import API, described
from dashboards.grafana.generator.frame import Row, dashboard
from dashboards.grafana.generator.panels import (
    COUNT,
    EVENTS_PER_SECOND,
    REQUESTS_PER_SECOND,
    SECONDS,
    chart,
    histogram_panel,
)
from dashboards.grafana.generator.processes import API_PROCESS, cpu, memory, open_files
from dashboards.grafana.generator.queries import Query, histogram_quantile, rate


def api() -> Dashboard:
    """The dashboard of the way in."""
    return dashboard(
        API,
        "API",
        "Do events get in, how fast, and what is refused?",
        [
            Row("Do events get in?", api_now()),
            Row("Since when, and which requests?", _course()),
            Row("Are the live figures read?", _feeds()),
            Row("Is an API short of something?", _resources()),
        ],
    )


def _course() -> list[Builder[Panel]]:
    return [
        chart(
            "Requests by status",
            [Query(rate(REQUESTS, by="status"), "{{status}}")],
            described(
                "Answers by status; 0 is a client that left before its answer. Good: nearly all"
                " 200. 400 and 413 are faulty clients, 401 and 403 keys, 503 the broker.",
                DOC,
            ),
            unit=REQUESTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_REQUESTS,
            stacked=True,
        ),
        chart(
            "Answer time",
            [
                Query(histogram_quantile(ANSWER_SECONDS, quantile), legend)
                for quantile, legend in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ],
            described(
                "Time to answer, the broker's acknowledgement included. Good: p99 under 250 ms,"
                " where the first line is. All rising together is the broker; p99 alone is an"
                " API short of processor time.",
                DOC,
            ),
            unit=SECONDS,
            steps=targets.API_SECONDS,
            no_value=NO_REQUESTS,
        ),
        histogram_panel(
            "Answer times, requests per second",
            rate(f"{ANSWER_SECONDS}_bucket", by="le"),
            described(
                "How answer times are spread. Good: all colour below 250 ms. A band apart is a"
                " slow route or a slow broker.",
                DOC,
            ),
            unit=REQUESTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_REQUESTS,
        ),
        chart(
            "Requests by route",
            [Query(rate(REQUESTS, by="route"), "{{route}}")],
            described("Requests by path; unmatched are paths that do not exist.", DOC),
            unit=REQUESTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_REQUESTS,
            stacked=True,
            width=6,
        ),
        chart(
            "Requests answered with an error",
            [
                Query(
                    rate(REQUESTS, by="route, status", selector='status=~"[45].."'),
                    "{{route}} {{status}}",
                )
            ],
            described(
                "Which route answers with which error. Good: none. 4xx are clients: after a"
                " release of an app or a change of keys. 5xx are ours.",
                DOC,
            ),
            unit=REQUESTS_PER_SECOND,
            steps=targets.neutral(),
            no_value="no errors",
            width=6,
        ),
        chart(
            "Events by outcome",
            [Query(rate(EVENTS, by="outcome"), "{{outcome}}")],
            described(
                "Events received (durable), failed (refused) and unavailable (the broker was"
                " away). Good: all received.",
                DOC,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.neutral(),
            no_value="no events",
            stacked=True,
            width=6,
        ),
        chart(
            "Refused events by rule",
            [Query(rate(REFUSED_EVENTS, by="reason"), "{{reason}}")],
            described(
                "Events that the API refused, by the first rule they break. Good: 0. They reach no"
                " topic and no other dashboard; the client was told why.",
                DOC,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.none_is_good(),
            no_value="no events",
            stacked=True,
            width=6,
        ),
    ]


def _feeds() -> list[Builder[Panel]]:
    return [
        chart(
            "Feeds that are current",
            [Query("min by (feed) (playvitals_api_feed_current)", "{{feed}}")],
            described(
                "Whether every API reads the topic behind the live figures up to its end. Good:"
                " yes. At no, the live page and `/v1/quality` are not current; taking in events"
                " goes on.",
                DOC,
            ),
            unit="bool_yes_no",
            steps=targets.some_is_good(),
            no_value=NO_API,
        ),
        chart(
            "Failures to read a feed",
            [
                Query(
                    "sum by (feed) (increase(playvitals_api_feed_failures_total"
                    "[$__rate_interval]))",
                    "{{feed}}",
                )
            ],
            described(
                "How often a topic behind the live figures could not be read. Good: 0; the API"
                " tries again every second.",
                DOC,
            ),
            unit=COUNT,
            steps=targets.none_is_good(),
            no_value=NO_API,
        ),
        chart(
            "Open live pages",
            [Query("sum(playvitals_api_live_streams)", "pages")],
            described("Live streams that are open, one per page. They cost little.", DOC),
            unit=COUNT,
            steps=targets.neutral(),
            no_value=NO_API,
        ),
    ]


def _resources() -> list[Builder[Panel]]:
    return [
        cpu("Processor time by API", API_PROCESS, NO_API, width=8),
        memory("Memory by API", API_PROCESS, NO_API, width=8),
        open_files("Open files by API", API_PROCESS, NO_API, width=8),
    ]
