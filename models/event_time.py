"""When an event happened, in server time."""

from typing import Final

from models.timestamps import format_timestamp, parse_timestamp_ms
from models.verdicts import INVALID_TYPE, TOO_OLD, Fault

MAX_AHEAD_MS: Final = 5 * 60 * 1000
MAX_AGE_MS: Final = 24 * 3600 * 1000
CLOCK_SKEW_MS: Final = 30 * 1000

_EXPECTED: Final = "expected an ISO 8601 date and time such as 2026-01-02T03:04:05.678Z"


def event_time(
    timestamp: str | None, sent_at: str | None, now_ms: int
) -> tuple[int, bool] | list[Fault]:
    """The final timestamp (ms) and whether it was adjusted, or what is wrong with it.

    ``now_ms`` is the server time of the event: the record's timestamp in the worker, the clock in
    the API. A client clock over 30 s off (by ``sent_at``) moves the timestamp by the difference;
    a timestamp over 5 minutes ahead becomes server time; one over 24 hours old is refused.
    """
    sent_ms = None
    faults = []
    if sent_at is not None:
        sent_ms = parse_timestamp_ms(sent_at)
        if sent_ms is None:
            faults.append(Fault(INVALID_TYPE, "sentAt", f"sentAt: {_EXPECTED}"))
    if timestamp is None:
        return faults or (now_ms, False)
    timestamp_ms = parse_timestamp_ms(timestamp)
    if timestamp_ms is None:
        faults.insert(0, Fault(INVALID_TYPE, "timestamp", f"timestamp: {_EXPECTED}"))
    if faults or timestamp_ms is None:
        return faults
    at_ms, adjusted = corrected(timestamp_ms, sent_ms, now_ms)
    if is_too_old(at_ms, now_ms):
        return [
            Fault(
                TOO_OLD,
                "timestamp",
                f"timestamp: {format_timestamp(at_ms)} is over 24 hours before server "
                f"time, {format_timestamp(now_ms)}",
            )
        ]
    return at_ms, adjusted


def corrected(timestamp_ms: int, sent_ms: int | None, now_ms: int) -> tuple[int, bool]:
    """The final timestamp and whether it was adjusted; it may be too old all the same."""
    adjusted = False
    if sent_ms is not None and not -CLOCK_SKEW_MS <= now_ms - sent_ms <= CLOCK_SKEW_MS:
        timestamp_ms += now_ms - sent_ms
        adjusted = True
    if timestamp_ms > now_ms + MAX_AHEAD_MS:
        return now_ms, True
    return timestamp_ms, adjusted


def is_too_old(at_ms: int, now_ms: int) -> bool:
    """Whether an event of that time is not taken any more."""
    return at_ms < now_ms - MAX_AGE_MS
