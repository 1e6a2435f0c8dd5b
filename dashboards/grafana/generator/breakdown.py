"""Breakdown: which values of a dimension are worse than the others, and since when."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.grafana.generator import targets, variables
from dashboards.grafana.generator.documents import BREAKDOWN, described, to_dashboard
from dashboards.grafana.generator.frame import Row, dashboard
from dashboards.grafana.generator.panels import COUNT, RATIO, SECONDS, chart
from dashboards.grafana.generator.queries import CHOSEN, Query, rolling_by_value
from dashboards.grafana.generator.tables import Column, slice_table

NO_DATA = "no such slice now"

_SAME = ("window", "dimension", "minimum_plays")
ONLY_ROW = to_dashboard(BREAKDOWN, *_SAME, value="${__data.fields.value}")
ONLY_LINE = to_dashboard(BREAKDOWN, *_SAME, value="${__field.labels.value}")

_ENOUGH = f"{rolling_by_value('plays', selector=CHOSEN)} >= $minimum_plays"

# Title, rolling figure, quantile, unit, thresholds, and what it means.
_LINES: tuple[tuple[str, str, float | None, str, targets.Steps, str], ...] = (
    (
        "Rebuffer ratio",
        "rebuffer_ratio",
        None,
        RATIO,
        targets.REBUFFER_RATIO,
        "Stall time as a share of stall and playing time. Good: under 1 %.",
    ),
    (
        "Rebuffered views",
        "rebuffered_views_ratio",
        None,
        RATIO,
        targets.REBUFFERED_VIEWS,
        "Share of the ended views that stalled at least once. Target: under 2 %.",
    ),
    (
        "Mean stall",
        "mean_stall_seconds",
        None,
        SECONDS,
        targets.MEAN_STALL_SECONDS,
        "How long a stall lasts on average. Target: under 1 s.",
    ),
    (
        "Startup p50",
        "startup_seconds",
        0.5,
        SECONDS,
        targets.STARTUP_P50_SECONDS,
        "Half of the plays showed their first frame within this time. Target: under 500 ms.",
    ),
    (
        "Startup p95",
        "startup_seconds",
        0.95,
        SECONDS,
        targets.STARTUP_P95_SECONDS,
        "95 of 100 plays showed their first frame within this time. Target: under 2 s.",
    ),
    (
        "Wait ratio",
        "wait_ratio",
        None,
        RATIO,
        targets.WAIT_RATIO,
        "Waiting, for the first frame and in stalls, as a share of waiting and playing time."
        " Good: under 5 %. For short videos the start weighs more than stalls.",
    ),
    (
        "Start failures",
        "start_failure_ratio",
        None,
        RATIO,
        targets.FAILURES,
        "Share of the ended views with an error before the first frame. Good: under 1 %.",
    ),
    (
        "Playback failures",
        "playback_failure_ratio",
        None,
        RATIO,
        targets.FAILURES,
        "Share of the ended views with a fatal error after the first frame. Good: under 1 %.",
    ),
    (
        "Exits before start",
        "exits_before_start_ratio",
        None,
        RATIO,
        targets.EXITS,
        "Share of the ended views that were left before the first frame, without an error. A"
        " feed has many. Good: the values alike, and as yesterday.",
    ),
    (
        "Completion",
        "completion_ratio",
        None,
        RATIO,
        targets.neutral(),
        "Completions per play. What is normal depends on the content: compare with yesterday.",
    ),
    (
        "Active viewers",
        "active_viewers",
        None,
        COUNT,
        targets.neutral(),
        "Distinct sessions with an event in the window. A value that ends or begins is often the"
        " cause: a release, a switch of the CDN.",
    ),
    (
        "Plays",
        "plays",
        None,
        COUNT,
        targets.neutral(),
        "Plays in the window: how much weight a value has. With few of them, ratios jump.",
    ),
)


def breakdown() -> Dashboard:
    """The dashboard that finds the slice."""
    return dashboard(
        BREAKDOWN,
        "Breakdown",
        "Which values of a dimension are worse than the others, and since when?",
        [
            Row("Which value is it?", [_table()]),
            Row("Since when?", [_chart(*line) for line in _LINES]),
        ],
        [
            variables.window(),
            variables.dimension(),
            variables.value(),
            variables.minimum_plays(),
        ],
    )


def _table() -> Builder[Panel]:
    figures = {
        "Rebuffer ratio": ("rebuffer_ratio", None, RATIO, targets.REBUFFER_RATIO),
        "Rebuffered views": ("rebuffered_views_ratio", None, RATIO, targets.REBUFFERED_VIEWS),
        "Mean stall": ("mean_stall_seconds", None, SECONDS, targets.MEAN_STALL_SECONDS),
        "Startup p50": ("startup_seconds", 0.5, SECONDS, targets.STARTUP_P50_SECONDS),
        "Startup p95": ("startup_seconds", 0.95, SECONDS, targets.STARTUP_P95_SECONDS),
        "Start failures": ("start_failure_ratio", None, RATIO, targets.FAILURES),
        "Playback failures": ("playback_failure_ratio", None, RATIO, targets.FAILURES),
        "Completion": ("completion_ratio", None, RATIO, targets.neutral()),
    }
    return slice_table(
        "Values of $dimension",
        [
            Column("Share of plays", _share("plays"), RATIO, targets.neutral()),
            Column("Share of stall time", _share("rebuffer_seconds"), RATIO, targets.neutral()),
            *(
                Column(title, f"{_of_all(name, quantile)} and {_ENOUGH}", unit, steps)
                for title, (name, quantile, unit, steps) in figures.items()
            ),
        ],
        described(
            "Every value of the dimension, those first that cause the most stall time. The cause"
            " has a share of the stall time far above its share of the plays. Good: the two"
            " shares alike and no coloured cells. Click a value to see only that one.",
            "under-which-values",
        ),
        labels=("value",),
        sort_by="Share of stall time",
        no_value="no value with enough plays",
        url=ONLY_ROW,
    )


def _of_all(name: str, quantile: float | None = None) -> str:
    return rolling_by_value(name, quantile, selector=CHOSEN)


def _share(name: str) -> str:
    """What part of the whole each value has; nothing where the whole is 0."""
    whole = f"ignoring (value) group_left () (sum({_of_all(name)}) > 0)"
    return f"{_of_all(name)} / {whole} and {_ENOUGH}"


def _chart(
    title: str,
    name: str,
    quantile: float | None,
    unit: str,
    steps: targets.Steps,
    meaning: str,
) -> Builder[Panel]:
    return chart(
        f"{title} by $dimension",
        [Query(rolling_by_value(name, quantile), "{{value}}")],
        described(meaning, "definitions"),
        unit=unit,
        steps=steps,
        no_value=NO_DATA,
        url=ONLY_LINE,
    )
