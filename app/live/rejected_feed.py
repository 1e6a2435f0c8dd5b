"""What was refused in the last hour, from the topic ``events.rejected``."""

import logging
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from app.topic_reader import Record
from models.pipeline import RejectedReason, RejectedSample
from models.timestamps import parse_timestamp_ms
from models.verdicts import REASONS

LAST_RECORDS = 5_000
"""How many records of each partition are looked at when the API starts."""
MAX_RAW_CHARACTERS = 2_000
OTHER_REASON = "other"
HOUR_MINUTES = 60

_MINUTE_MS = 60_000
_MAX_SOURCES = 10_000

log = logging.getLogger(__name__)


class _Source(Struct):
    partition: int
    offset: int


class _Rejected(Struct, rename="camel"):
    reason: str
    field: str | None
    message: str
    received_at: str
    source: _Source
    raw: str
    raw_encoding: str | None = None


_decode = msgspec.json.Decoder(_Rejected).decode


class RejectedFeed:
    """Counts refused events by rule and minute of server time, and keeps the newest of each rule.

    Records that a worker wrote again after a crash count once: within a partition of the topic,
    those of one raw partition come in the order of their offsets.
    """

    def __init__(self) -> None:
        self._minutes: dict[str, dict[int, int]] = {}
        self._newest: dict[str, RejectedSample] = {}
        self._sources: dict[tuple[int, int], int] = {}
        self._newest_ms = 0

    def apply(self, records: Sequence[Record]) -> None:
        """Take in the next records of one partition."""
        for record in records:
            if record.value is None:
                continue
            try:
                rejected = _decode(record.value)
            except msgspec.MsgspecError as error:
                log.warning("A record of events.rejected cannot be read: %s", error)
                continue
            at_ms = parse_timestamp_ms(rejected.received_at)
            if at_ms is not None and self._is_new(record.partition, rejected.source):
                self._count(rejected, at_ms)

    def clear(self) -> None:
        """Forget everything."""
        self._minutes.clear()
        self._newest.clear()
        self._sources.clear()
        self._newest_ms = 0

    def reasons(self, clock_ms: int | None) -> list[RejectedReason]:
        """The rules that refused something in the hour before this server time, or before the
        newest refusal where that is later; the busiest first."""
        last = max(clock_ms or 0, self._newest_ms) // _MINUTE_MS
        counts = {
            reason: sum(n for minute, n in minutes.items() if minute > last - HOUR_MINUTES)
            for reason, minutes in self._minutes.items()
        }
        return [
            RejectedReason(reason, count, self._newest[reason])
            for reason, count in sorted(counts.items(), key=lambda it: (-it[1], it[0]))
            if count
        ]

    def _is_new(self, partition: int, source: _Source) -> bool:
        place = (partition, source.partition)
        if source.offset <= self._sources.get(place, -1):
            return False
        if len(self._sources) >= _MAX_SOURCES:
            self._sources.clear()
        self._sources[place] = source.offset
        return True

    def _count(self, rejected: _Rejected, at_ms: int) -> None:
        reason = rejected.reason if rejected.reason in REASONS else OTHER_REASON
        minute = at_ms // _MINUTE_MS
        minutes = self._minutes.setdefault(reason, {})
        minutes[minute] = minutes.get(minute, 0) + 1
        if len(minutes) > HOUR_MINUTES:
            # Partitions are read side by side, so the first one need not be the oldest.
            del minutes[min(minutes)]
        self._newest_ms = max(self._newest_ms, at_ms)
        before = self._newest.get(reason)
        if before is None or rejected.received_at >= before.received_at:
            self._newest[reason] = RejectedSample(
                rejected.reason,
                rejected.field,
                rejected.message,
                rejected.received_at,
                rejected.raw[:MAX_RAW_CHARACTERS],
                rejected.raw_encoding,
            )
