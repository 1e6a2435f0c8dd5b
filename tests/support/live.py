"""Records of the topics behind the live figures, as the worker writes them."""

from dataclasses import dataclass

import msgspec

from app.live.feeds import LiveFeeds, Reader
from app.settings import Settings
from app.topic_reader import Feed
from models.figures import PLAYS, REBUFFER_MS, WATCH_MS, Figures, new_figures
from models.pipeline import PartitionHealth
from models.timestamps import format_timestamp
from models.windows import window_record

T0 = 1_767_323_040_000
"""2026-01-02T03:04:00Z, in milliseconds: the beginning of a minute."""


@dataclass(frozen=True)
class LiveRecord:
    """A Kafka record as a feed sees it."""

    key: bytes | None
    value: bytes | None
    partition: int = 0
    offset: int = 0
    timestamp: int = T0


def figures(plays: int = 0, stall_ms: int = 0, watch_ms: int = 0) -> Figures:
    """The figures of a slice."""
    found = new_figures()
    found.sums[PLAYS] = plays
    found.sums[REBUFFER_MS] = stall_ms
    found.sums[WATCH_MS] = watch_ms
    return found


def window(
    name: str, dimension: str, value: str = "", at_ms: int = T0, of: Figures | None = None
) -> LiveRecord:
    """A record of ``windows``: a slice as it is at ``at_ms``."""
    end = format_timestamp(at_ms)
    record = window_record(name, dimension, value, end, end, of or figures(plays=1))
    return LiveRecord(f"{name}|{dimension}|{value}".encode(), msgspec.json.encode(record))


def gone(name: str, dimension: str, value: str = "") -> LiveRecord:
    """The tombstone of a slice."""
    return LiveRecord(f"{name}|{dimension}|{value}".encode(), None)


def health(
    partition: int,
    at_ms: int = T0,
    *,
    accepted: int = 0,
    duplicates: int = 0,
    rejected: int = 0,
    lag: int | None = 0,
    freshness: float | None = 0.0,
    imbalance: int = 0,
    saved_ms: int | None = None,
) -> LiveRecord:
    """A record of ``health``, published at ``at_ms``."""
    value = PartitionHealth(
        partition=partition,
        published_at=format_timestamp(at_ms),
        clock=format_timestamp(at_ms),
        upto=accepted + duplicates + rejected - 1,
        lag_records=lag,
        freshness_seconds=freshness,
        accepted=accepted,
        duplicates=duplicates,
        rejected=rejected,
        ledger_imbalance=imbalance,
        checkpoint_at=None if saved_ms is None else format_timestamp(saved_ms),
    )
    return LiveRecord(str(partition).encode(), msgspec.json.encode(value))


def rejected(
    reason: str, at_ms: int = T0, *, source: int = 0, offset: int = 0, raw: str = "{}"
) -> LiveRecord:
    """A record of ``events.rejected``, of the raw record ``source``:``offset``."""
    value = {
        "reason": reason,
        "field": "contentId",
        "message": f"contentId: {reason}",
        "receivedAt": format_timestamp(at_ms),
        "source": {"topic": "playvitals.events.raw", "partition": source, "offset": offset},
        "raw": raw,
    }
    return LiveRecord(None, msgspec.json.encode(value))


@dataclass
class FakeReader:
    """A reader whose topic is read up to its end, or not, as a test says."""

    caught_up: bool = True
    current: bool = True
    failures: int = 0

    def is_current(self) -> bool:
        return self.caught_up and self.current

    async def run(self) -> None:
        return


def fed(settings: Settings, reader: FakeReader | None = None) -> LiveFeeds:
    """Feeds without a broker: a test applies records to them itself."""
    shared = reader or FakeReader()

    def new_reader(topic: str, feed: Feed, *, last_records: int | None = None) -> Reader:
        return shared

    return LiveFeeds(settings, new_reader)
