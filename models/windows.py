"""The rolling metrics of one window and slice, as the record of the ``windows`` topic."""

from msgspec import Struct

from models import formulas
from models.figures import (
    ACTIVE_VIEWERS,
    COMPLETIONS,
    DOWNSHIFTS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    IMPRESSIONS,
    PLAYBACK_FAILURES,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    START_FAILURES,
    Figures,
)
from models.histogram import quantiles_ms

QUANTILES_PER_MILLE = (500, 900, 950, 990)


class Startup(Struct, rename="camel", frozen=True):
    """Startup times in milliseconds; null where no view started."""

    count: int
    mean_ms: float | None
    p50_ms: int | None
    p90_ms: int | None
    p95_ms: int | None
    p99_ms: int | None


class WindowRecord(Struct, rename="camel", frozen=True):
    """One slice of one rolling window. A ratio whose denominator is 0 is null."""

    window: str
    dimension: str
    value: str
    start: str
    end: str
    impressions: int
    plays: int
    completions: int
    ended_views: int
    rebuffered_views: int
    exits_before_start: int
    start_failures: int
    playback_failures: int
    rebuffers: int
    rebuffer_ms: int
    watch_ms: int
    downshifts: int
    active_viewers: int
    rebuffer_ratio: float | None
    rebuffered_views_ratio: float | None
    completion_ratio: float | None
    exits_before_start_ratio: float | None
    start_failure_ratio: float | None
    playback_failure_ratio: float | None
    wait_ratio: float | None
    mean_stall_ms: float | None
    startup: Startup


def window_record(
    window: str, dimension: str, value: str, start: str, end: str, figures: Figures
) -> WindowRecord:
    """The record of one slice, with the metrics of :mod:`models.formulas`.

    Times are milliseconds; ratios have six decimals, means one.
    """
    sums = figures.sums
    p50, p90, p95, p99 = (
        None if quantile is None else round(quantile)
        for quantile in quantiles_ms(figures.startups, QUANTILES_PER_MILLE) or (None,) * 4
    )
    return WindowRecord(
        window=window,
        dimension=dimension,
        value=value,
        start=start,
        end=end,
        impressions=sums[IMPRESSIONS],
        plays=sums[PLAYS],
        completions=sums[COMPLETIONS],
        ended_views=sums[ENDED_VIEWS],
        rebuffered_views=sums[REBUFFERED_VIEWS],
        exits_before_start=sums[EXITS_BEFORE_START],
        start_failures=sums[START_FAILURES],
        playback_failures=sums[PLAYBACK_FAILURES],
        rebuffers=sums[REBUFFERS],
        rebuffer_ms=sums[REBUFFER_MS],
        watch_ms=formulas.playing_ms(sums),
        downshifts=sums[DOWNSHIFTS],
        active_viewers=sums[ACTIVE_VIEWERS],
        rebuffer_ratio=_rounded(formulas.rebuffer_ratio(sums), 6),
        rebuffered_views_ratio=_rounded(formulas.rebuffered_views_ratio(sums), 6),
        completion_ratio=_rounded(formulas.completion_ratio(sums), 6),
        exits_before_start_ratio=_rounded(formulas.exits_before_start_ratio(sums), 6),
        start_failure_ratio=_rounded(formulas.start_failure_ratio(sums), 6),
        playback_failure_ratio=_rounded(formulas.playback_failure_ratio(sums), 6),
        wait_ratio=_rounded(formulas.wait_ratio(sums), 6),
        mean_stall_ms=_rounded(formulas.mean_stall_ms(sums), 1),
        startup=Startup(
            sums[PLAYS], _rounded(formulas.mean_startup_ms(sums), 1), p50, p90, p95, p99
        ),
    )


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
