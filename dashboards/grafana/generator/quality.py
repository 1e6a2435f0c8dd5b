"""Quality overview: are viewers fine, since when not, how bad, and where."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.grafana.generator import targets, variables
from dashboards.grafana.generator.documents import (
    QUALITY,
    described,
)
from dashboards.grafana.generator.frame import Row, dashboard
from dashboards.grafana.generator.panels import (
    COUNT,
    PER_SECOND,
    RATIO,
    SECONDS,
    chart,
    histogram_panel,
)
from dashboards.grafana.generator.pipeline_stats import freshness, lag, ledger, reporting
from dashboards.grafana.generator.quality_now import (
    NO_ENDED_VIEWS,
    NO_PLAYS,
    NOTHING_PLAYED,
    TO_BREAKDOWN,
    quality_now,
)
from dashboards.grafana.generator.quality_where import RANKINGS, firing_alerts, worst_slices
from dashboards.grafana.generator.queries import Query, rate, rolling


def quality() -> Dashboard:
    """The dashboard to open first."""
    return dashboard(
        QUALITY,
        "Quality overview",
        "Are viewers fine? Since when not, how bad is it, and where?",
        [
            Row("Are viewers fine?", quality_now()),
            Row("Since when, and how bad?", _course()),
            Row("Where, and what is to be done?", [worst_slices(), firing_alerts()]),
            Row("Can these figures be trusted?", [reporting(6), freshness(6), lag(6), ledger(6)]),
        ],
        [variables.window(), variables.metric(RANKINGS), variables.minimum_plays()],
    )


def _course() -> list[Builder[Panel]]:
    return [
        chart(
            "Rebuffering",
            [
                Query(rolling("rebuffer_ratio"), "rebuffer ratio"),
                Query(rolling("rebuffered_views_ratio"), "rebuffered views"),
            ],
            described(
                "Share of the time that is spent stalled, and share of the ended views that"
                " stalled. Good: under 1 % and under 2 %; the lines are at 2 % and 5 % of the"
                " views.",
                "definitions",
            ),
            unit=RATIO,
            steps=targets.REBUFFERED_VIEWS,
            no_value=NOTHING_PLAYED,
            url=TO_BREAKDOWN,
        ),
        chart(
            "Startup time",
            [
                Query(rolling("startup_seconds", quantile), f"p{quantile * 100:g}")
                for quantile in (0.5, 0.9, 0.95, 0.99)
            ],
            described(
                "Time to the first frame. Targets: p50 under 500 ms, p95 under 2 s; the lines"
                " are for p95. p99 alone moving is a small group: look where.",
                "definitions",
            ),
            unit=SECONDS,
            steps=targets.STARTUP_P95_SECONDS,
            no_value=NO_PLAYS,
            url=TO_BREAKDOWN,
        ),
        chart(
            "Failures and exits",
            [
                Query(rolling("start_failure_ratio"), "start failures"),
                Query(rolling("playback_failure_ratio"), "playback failures"),
                Query(rolling("exits_before_start_ratio"), "exits before start"),
            ],
            described(
                "Shares of the ended views: an error before the first frame, a fatal error after"
                " it, and viewers who left before it without an error. Failures: good under 1 %,"
                " where the first line is. Exits depend on the feed: compare with yesterday.",
                "definitions",
            ),
            unit=RATIO,
            steps=targets.FAILURES,
            no_value=NO_ENDED_VIEWS,
            url=TO_BREAKDOWN,
        ),
        chart(
            "Viewers and plays",
            [
                Query(rolling("active_viewers"), "active viewers"),
                Query(rolling("plays"), "plays in the window"),
            ],
            described(
                "How much traffic there is. A fall without a change of quality is upstream: an"
                " app release, the network, or the API refusing events.",
                "rolling-figures",
            ),
            unit=COUNT,
            steps=targets.neutral(),
            no_value="no viewers",
            url=TO_BREAKDOWN,
        ),
        chart(
            "Completion",
            [Query(rolling("completion_ratio"), "completion")],
            described(
                "Completions per play. What is normal depends on the content: compare with"
                " yesterday. In a short window it can pass 1.",
                "definitions",
            ),
            unit=RATIO,
            steps=targets.neutral(),
            no_value=NO_PLAYS,
            url=TO_BREAKDOWN,
        ),
        histogram_panel(
            "Startup times, plays per second",
            rate("playvitals_startup_seconds_bucket", by="le"),
            described(
                "How startup times are spread. Good: all colour below 2 s. Two bands are two"
                " groups of viewers, of whom one is slow.",
                "counters-and-histograms",
            ),
            unit=PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_PLAYS,
        ),
        chart(
            "Playback errors by code",
            [Query(rate("playvitals_errors_total", by="code"), "{{code}}")],
            described(
                "Errors that players report, fatal or not, by their code. Good: none. One code"
                " that rises names the cause of failures.",
                "counters-and-histograms",
            ),
            unit=PER_SECOND,
            steps=targets.neutral(),
            no_value="no errors",
            stacked=True,
            width=12,
        ),
        chart(
            "Finished views by outcome",
            [Query(rate("playvitals_views_total", by="outcome"), "{{outcome}}")],
            described(
                "How views end, 30 s after they did. Good: few never started and failed ones."
                " Many timed out ones are apps that do not send the end of a view.",
                "counters-and-histograms",
            ),
            unit=PER_SECOND,
            steps=targets.neutral(),
            no_value=NO_ENDED_VIEWS,
            stacked=True,
            width=12,
        ),
    ]
