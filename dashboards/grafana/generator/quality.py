"""Quality overview: are viewers fine, since when not, how bad, and where."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.grafana.generator import targets, variables
from dashboards.grafana.generator.documents import BREAKDOWN, QUALITY, described, to_dashboard
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
from dashboards.grafana.generator.queries import Query, rate, rolling, rolling_by_slice
from dashboards.grafana.generator.tables import Column, slice_table

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


def quality() -> Dashboard:
    """The dashboard to open first."""
    return dashboard(
        QUALITY,
        "Quality overview",
        "Are viewers fine? Since when not, how bad is it, and where?",
        [
            Row("Are viewers fine?", quality_now()),
            Row("Since when, and how bad?", _course()),
            Row("Where?", [_worst()]),
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


def _worst() -> Builder[Panel]:
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
    )
