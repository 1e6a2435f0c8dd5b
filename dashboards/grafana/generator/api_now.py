"""Do events get in? The figures of the API as they are now."""

from grafana_foundation_sdk.builders import stat

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.documents import described
from dashboards.grafana.generator.panels import (
    COUNT,
    EVENTS_PER_SECOND,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    stat_panel,
)
from dashboards.grafana.generator.processes import API_PROCESS
from dashboards.grafana.generator.queries import histogram_quantile, rate, share

NO_API = "no API"
NO_REQUESTS = "no requests"

REQUESTS = "playvitals_api_requests_total"
ANSWER_SECONDS = "playvitals_api_request_seconds"
EVENTS = "playvitals_api_events_total"
REFUSED_EVENTS = "playvitals_api_refused_total"
DOC = "health-of-the-pipeline"


def api_now() -> list[stat.Panel]:
    """One line of figures, the most telling first."""
    return [
        stat_panel(
            "APIs reporting",
            f"count({API_PROCESS}) or vector(0)",
            described("API processes that Prometheus reads. Good: as many as are deployed.", DOC),
            unit=COUNT,
            steps=targets.some_is_good(),
            no_value=NO_API,
        ),
        stat_panel(
            "Server errors",
            share(rate(REQUESTS, selector='status=~"5.."'), rate(REQUESTS)),
            described(
                "Share of the requests answered with 500 or more. Good: under 0.1 %. 503 says"
                " that the broker did not acknowledge; clients send again.",
                DOC,
            ),
            unit=RATIO,
            steps=targets.API_ERRORS,
            no_value=NO_REQUESTS,
            decimals=2,
        ),
        stat_panel(
            "Answer time p99",
            histogram_quantile(ANSWER_SECONDS, 0.99),
            described(
                "99 of 100 requests are answered within this time, the broker's acknowledgement"
                " included. Good: under 250 ms.",
                DOC,
            ),
            unit=SECONDS,
            steps=targets.API_SECONDS,
            no_value=NO_REQUESTS,
        ),
        stat_panel(
            "Requests per second",
            rate(REQUESTS),
            described(
                "All requests, pages and probes included: how much traffic the API has.", DOC
            ),
            unit=REQUESTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_API,
        ),
        stat_panel(
            "Events received",
            rate(EVENTS, selector='outcome="received"'),
            described("Events per second that the broker has for certain.", DOC),
            unit=EVENTS_PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_API,
        ),
        stat_panel(
            "Events refused",
            share(rate(EVENTS, selector='outcome="failed"'), rate(EVENTS)),
            described(
                "Share of the events that break a rule; the client is told which. Good: under"
                " 1 %. A jump is mostly a release of one app.",
                DOC,
            ),
            unit=RATIO,
            steps=targets.REJECTED,
            no_value="no events",
            decimals=2,
        ),
        stat_panel(
            "Not acknowledged",
            rate(EVENTS, selector='outcome="unavailable"'),
            described(
                "Events per second that the broker did not acknowledge; the client is asked to"
                " send them again. Good: 0.",
                DOC,
            ),
            unit=EVENTS_PER_SECOND,
            steps=targets.none_is_good(),
            no_value=NO_API,
        ),
        stat_panel(
            "Clients held back",
            rate(REQUESTS, selector='status="429"') + " or vector(0)",
            described(
                "Requests per second answered with 429, because a key sends more than it may."
                " Good: 0. Their events come later or never.",
                DOC,
            ),
            unit=REQUESTS_PER_SECOND,
            steps=targets.none_is_good(),
            no_value=NO_API,
        ),
    ]
