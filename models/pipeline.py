"""The state of the pipeline: the records of the topic ``health``."""

from msgspec import Struct


class PartitionHealth(Struct, rename="camel", frozen=True):
    """How the owner of a raw partition stands with it.

    ``freshness_seconds`` is 0 where nothing waits, and else how old the newest record is that was
    counted: no record that waits is older. With ``lag_records`` it is null until the broker told
    where the partition ends. Accepted, duplicate and rejected events are those of the state: since
    the beginning, whatever worker counted them. ``checkpoint_at`` is null before the first one.
    """

    partition: int
    published_at: str
    clock: str | None
    upto: int
    lag_records: int | None
    freshness_seconds: float | None
    accepted: int
    duplicates: int
    rejected: int
    ledger_imbalance: int
    checkpoint_at: str | None


class RejectedSample(Struct, rename="camel", frozen=True, omit_defaults=True):
    """A refused event: why, when, and as it came."""

    reason: str
    field: str | None
    message: str
    received_at: str
    raw: str
    raw_encoding: str | None = None


class RejectedReason(Struct, rename="camel", frozen=True):
    """How often a rule refused an event in the last hour, and the newest of those events."""

    reason: str
    last_hour: int
    sample: RejectedSample


class PipelineState(Struct, rename="camel", frozen=True):
    """The pipeline as a whole. Null is what is not known, or not known any more."""

    partitions: int
    reporting: int
    lag_records: int | None
    freshness_seconds: float | None
    ledger_imbalance: int | None
    checkpoint_age_seconds: float | None
    accepted: int | None
    duplicates: int | None
    events_per_second: float | None
    rejected: list[RejectedReason]
