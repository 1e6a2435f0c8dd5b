"""Are viewers fine? The figures as they are now, each on the colour of its target."""

from grafana_foundation_sdk.builders import stat

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.annotations import FIRING
from dashboards.grafana.generator.documents import BREAKDOWN, described, to_dashboard
from dashboards.grafana.generator.panels import COUNT, RATIO, SECONDS, stat_panel
from dashboards.grafana.generator.queries import rolling

NO_PLAYS = "no plays"
NO_STALLS = "no stalls"
NO_ENDED_VIEWS = "no ended views"
NOTHING_PLAYED = "nothing played"

TO_BREAKDOWN = to_dashboard(BREAKDOWN, "window", "minimum_plays")

_FAILED = f"{rolling('start_failure_ratio')} + {rolling('playback_failure_ratio')}"


def quality_now() -> list[stat.Panel]:
    """One line of figures, the most telling first."""
    return [
        stat_panel(
            "Alerts firing",
            f"count({FIRING}) or vector(0)",
            described(
                "Alerts that fire now, whatever they are about. Good: 0. The red marks on the"
                " charts show when each began; the runbooks say what to do.",
                "queries",
            ),
            unit=COUNT,
            steps=targets.none_is_good(),
            no_value="Prometheus does not answer",
        ),
        stat_panel(
            "Startup p50",
            rolling("startup_seconds", 0.5),
            described(
                "Half of the plays showed their first frame within this time. Target: under"
                " 500 ms.",
                "definitions",
            ),
            unit=SECONDS,
            steps=targets.STARTUP_P50_SECONDS,
            no_value=NO_PLAYS,
            url=TO_BREAKDOWN,
        ),
        stat_panel(
            "Startup p95",
            rolling("startup_seconds", 0.95),
            described(
                "95 of 100 plays showed their first frame within this time. Target: under 2 s.",
                "definitions",
            ),
            unit=SECONDS,
            steps=targets.STARTUP_P95_SECONDS,
            no_value=NO_PLAYS,
            url=TO_BREAKDOWN,
        ),
        stat_panel(
            "Rebuffered views",
            rolling("rebuffered_views_ratio"),
            described(
                "Share of the ended views that stalled at least once. Target: under 2 %. How"
                " many viewers notice.",
                "definitions",
            ),
            unit=RATIO,
            steps=targets.REBUFFERED_VIEWS,
            no_value=NO_ENDED_VIEWS,
            url=TO_BREAKDOWN,
            decimals=1,
        ),
        stat_panel(
            "Rebuffer ratio",
            rolling("rebuffer_ratio"),
            described(
                "Stall time as a share of stall and playing time. Good: under 1 %. Reacts first,"
                " because a view need not have ended.",
                "definitions",
            ),
            unit=RATIO,
            steps=targets.REBUFFER_RATIO,
            no_value=NOTHING_PLAYED,
            url=TO_BREAKDOWN,
            decimals=2,
        ),
        stat_panel(
            "Mean stall",
            rolling("mean_stall_seconds"),
            described("How long a stall lasts on average. Target: under 1 s.", "definitions"),
            unit=SECONDS,
            steps=targets.MEAN_STALL_SECONDS,
            no_value=NO_STALLS,
            url=TO_BREAKDOWN,
        ),
        stat_panel(
            "Failed views",
            _FAILED,
            described(
                "Share of the ended views that failed: start failures and playback failures"
                " together. Good: under 1 %.",
                "definitions",
            ),
            unit=RATIO,
            steps=targets.FAILURES,
            no_value=NO_ENDED_VIEWS,
            url=TO_BREAKDOWN,
            decimals=2,
        ),
        stat_panel(
            "Active viewers",
            rolling("active_viewers"),
            described(
                "Distinct sessions with an event in the window: how many people the other"
                " figures are about. A sudden fall is an incident as well.",
                "definitions",
            ),
            unit=COUNT,
            steps=targets.neutral(),
            no_value="no viewers",
            url=TO_BREAKDOWN,
        ),
    ]
