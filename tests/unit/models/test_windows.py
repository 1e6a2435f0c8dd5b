"""The record of one rolling window and slice."""

import msgspec

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
    STARTED_VIEWS,
    STARTUP_MS,
    WATCH_MS,
    new_figures,
)
from models.histogram import bucket_of
from models.windows import QUANTILES_PER_MILLE, window_record

START = "2026-01-02T03:04:10.000Z"
END = "2026-01-02T03:09:12.345Z"


def test_record_of_a_busy_slice() -> None:
    """The example of the interface; its ratios follow the definitions in prose."""
    figures = new_figures()
    for figure, amount in {
        IMPRESSIONS: 120,
        PLAYS: 100,
        COMPLETIONS: 41,
        ENDED_VIEWS: 96,
        STARTED_VIEWS: 93,
        REBUFFERED_VIEWS: 7,
        EXITS_BEFORE_START: 3,
        PLAYBACK_FAILURES: 1,
        REBUFFERS: 9,
        REBUFFER_MS: 11_800,
        WATCH_MS: 1_534_000,
        DOWNSHIFTS: 4,
        ACTIVE_VIEWERS: 37,
        STARTUP_MS: 41_200,
    }.items():
        figures.sums[figure] = amount
    figures.startups = {
        bucket_of(355): 50,
        bucket_of(702): 40,
        bucket_of(980): 5,
        bucket_of(1710): 5,
    }
    record = msgspec.to_builtins(window_record("5m", "rendition", "720p", START, END, figures))
    startup = record.pop("startup")
    assert record == {
        "window": "5m",
        "dimension": "rendition",
        "value": "720p",
        "start": START,
        "end": END,
        "impressions": 120,
        "plays": 100,
        "completions": 41,
        "endedViews": 96,
        "rebufferedViews": 7,
        "exitsBeforeStart": 3,
        "startFailures": 0,
        "playbackFailures": 1,
        "rebuffers": 9,
        "rebufferMs": 11_800,
        "watchMs": 1_534_000,
        "downshifts": 4,
        "activeViewers": 37,
        "rebufferRatio": 0.007634,
        "rebufferedViewsRatio": 0.075269,
        "completionRatio": 0.41,
        "exitsBeforeStartRatio": 0.03125,
        "startFailureRatio": 0.0,
        "playbackFailureRatio": 0.010417,
        "waitRatio": 0.033396,
        "meanStallMs": 1311.1,
    }
    assert list(startup) == ["count", "meanMs", "p50Ms", "p90Ms", "p95Ms", "p99Ms"]
    assert (startup["count"], startup["meanMs"]) == (100, 412.0)
    for name, exact in {"p50Ms": 355, "p90Ms": 702, "p95Ms": 980, "p99Ms": 1710}.items():
        assert isinstance(startup[name], int)
        assert abs(startup[name] - exact) <= exact * 0.01


def test_empty_slice_has_null_for_every_ratio_and_startup_time() -> None:
    record = msgspec.to_builtins(window_record("1m", "all", "", START, END, new_figures()))
    startup = record.pop("startup")
    assert startup == dict.fromkeys(("meanMs", "p50Ms", "p90Ms", "p95Ms", "p99Ms")) | {"count": 0}
    for name, value in record.items():
        if name.endswith("Ratio") or name == "meanStallMs":
            assert value is None, name
        elif name not in ("window", "dimension", "value", "start", "end"):
            assert value == 0, name


def test_playing_time_in_a_record_is_never_negative() -> None:
    figures = new_figures()
    figures.sums[WATCH_MS] = -4_000
    figures.sums[REBUFFER_MS] = 1_000
    record = window_record("1m", "all", "", START, END, figures)
    assert (record.watch_ms, record.rebuffer_ratio) == (0, 1.0)


def test_startup_times_of_0_ms_count() -> None:
    figures = new_figures()
    figures.sums[PLAYS] = 2
    figures.startups = {bucket_of(0): 2}
    startup = window_record("1m", "all", "", START, END, figures).startup
    assert (startup.count, startup.mean_ms, startup.p50_ms, startup.p99_ms) == (2, 0.0, 0, 0)


def test_quantiles_are_the_median_90_95_and_99() -> None:
    assert QUANTILES_PER_MILLE == (500, 900, 950, 990)
