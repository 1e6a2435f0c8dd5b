"""The ratios and means of the rolling metrics, from the figures of a slice.

Each takes the sums of :class:`models.figures.Figures` and answers None where its denominator is 0.
Definitions, sources and the variants that vendors use are in ``docs/metrics.md``.
"""

from models.figures import (
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    PLAYBACK_FAILURES,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    START_FAILURES,
    STARTED_VIEWS,
    STARTUP_MS,
    WATCH_MS,
)

Sums = list[int]


def playing_ms(sums: Sums) -> int:
    """Playing time; a correction may be in a window without what it corrects."""
    return max(sums[WATCH_MS], 0)


def rebuffer_ratio(sums: Sums) -> float | None:
    """Stall / (stall + playing time)."""
    return _quotient(sums[REBUFFER_MS], sums[REBUFFER_MS] + playing_ms(sums))


def rebuffered_views_ratio(sums: Sums) -> float | None:
    """Ended views with a stall / ended views that started."""
    return _quotient(sums[REBUFFERED_VIEWS], sums[STARTED_VIEWS])


def completion_ratio(sums: Sums) -> float | None:
    """Completions / plays. The two happen at different times, so a short window can pass 1."""
    return _quotient(sums[COMPLETIONS], sums[PLAYS])


def exits_before_start_ratio(sums: Sums) -> float | None:
    """Views left before the first frame, without an error / ended views."""
    return _quotient(sums[EXITS_BEFORE_START], sums[ENDED_VIEWS])


def start_failure_ratio(sums: Sums) -> float | None:
    """Views with an error and without a first frame / ended views."""
    return _quotient(sums[START_FAILURES], sums[ENDED_VIEWS])


def playback_failure_ratio(sums: Sums) -> float | None:
    """Started views with a fatal error / ended views."""
    return _quotient(sums[PLAYBACK_FAILURES], sums[ENDED_VIEWS])


def wait_ratio(sums: Sums) -> float | None:
    """(Startup + stall) / (startup + stall + playing time)."""
    wait_ms = sums[STARTUP_MS] + sums[REBUFFER_MS]
    return _quotient(wait_ms, wait_ms + playing_ms(sums))


def mean_stall_ms(sums: Sums) -> float | None:
    """Stall time / stalls, in milliseconds."""
    return _quotient(sums[REBUFFER_MS], sums[REBUFFERS])


def mean_startup_ms(sums: Sums) -> float | None:
    """Startup time / plays, in milliseconds."""
    return _quotient(sums[STARTUP_MS], sums[PLAYS])


def _quotient(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None
