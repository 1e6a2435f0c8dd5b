"""Checkpoints of a partition: every beginning of their log restores to what one pass gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from bench.load import Load
from models import checkpoints
from models.checkpoints import Totals, is_manifest, newest_checkpoint
from models.errors import OperatorError
from tables import session_log
from tables.checkpoint_log import CheckpointLog, Cut, Origin
from tables.counters import Counters
from tables.partition import TICK_HEADER, PartitionState
from tests.support.core import (
    T0,
    FakeRecord,
    Remembered,
    at_ms,
    event,
    impression,
    play,
    rules,
)
from tests.support.facts import NOT_SAVED, facts

TOPIC = "playvitals.events.raw"
ORIGIN = Origin(TOPIC, 1)
RECORDS = 1_500
SECONDS = 900.0
"""Event time of the load: long enough for views to time out and for panes and ids to be dropped."""

Log = list[tuple[bytes, bytes | None]]


@dataclass
class Partition:
    """A state with its checkpoints, and what it wrote."""

    run: str = "a"
    outputs: Remembered = field(default_factory=Remembered)

    def __post_init__(self) -> None:
        short = rules(kept_ms=120_000, timeout_ms=60_000, dedupe_hours=1)
        self.state = PartitionState(0, short, Counters(), self.outputs, lambda _: 0)
        self.log = CheckpointLog(self.state, ORIGIN, self.run)

    def cut(self, generation: int = 1) -> Cut:
        """A checkpoint that is taken while nothing else happens."""
        self.begin(generation)
        return self.end()

    def begin(self, generation: int = 1) -> None:
        """Begin a checkpoint of the state as it is."""
        state = self.state
        totals = Totals(
            state.clock_ms,
            state.swept_ms,
            None,
            state.upto + 1,
            state.accepted,
            state.duplicate,
            state.rejected,
            state.views.opened,
        )
        self.log.begin(totals, generation, 7)

    def end(self) -> Cut:
        """Write what is left of the checkpoint."""
        while (cut := self.log.go_on(5)) is None:
            pass
        return cut

    def save(self, log: Log, generation: int = 1) -> None:
        """A checkpoint that succeeds."""
        cut = self.cut(generation)
        log += cut.records
        self.log.confirm()
        log += [(key, None) for key in cut.superseded]

    def figures(self) -> Any:
        """Everything that the state knows, in a form to compare."""
        state = self.state
        state.panes.fold()
        viewers = {
            viewer: facts(session, NOT_SAVED)
            for viewer, session in state.views._sessions.items()  # noqa: SLF001
        }
        panes = {
            start: msgspec.to_builtins(state.panes._panes[start].totals)  # noqa: SLF001
            for start in sorted(state.panes.starts())
        }
        totals = (state.upto, state.clock_ms, state.accepted, state.duplicate, state.rejected)
        ids = [(hour, state.dedupe.ids_of(hour)) for hour in state.dedupe.hours()]
        return viewers, panes, totals, ids, state.views.open_views


def restore(log: Sequence[tuple[bytes, bytes | None]], run: str = "b") -> Partition:
    """What a worker makes of the log when it gains the partition."""
    partition = Partition(run)
    newest: dict[bytes, bytes] = {}
    for key, value in log:
        if value is None:
            newest.pop(key, None)
        else:
            newest[key] = value
    found = newest_checkpoint(newest)
    if found is not None:
        for _ in partition.log.load(newest, found):
            pass
    else:
        partition.log.discard(newest)
    return partition


@pytest.fixture(scope="module")
def records() -> list[FakeRecord]:
    load = Load(RECORDS, SECONDS, T0 + 10_000_000)
    made: list[FakeRecord] = []
    for chunk in load.chunks():
        for key, value, timestamp_ms in chunk:
            made.append(FakeRecord(len(made), timestamp_ms, value, key))
            if len(made) % 7 == 0:
                made.append(FakeRecord(len(made), timestamp_ms, made[len(made) // 2].value, key))
            if len(made) % 50 == 0:
                made.append(FakeRecord(len(made), timestamp_ms, b"no event", key))
    end_ms = made[-1].timestamp
    for minute in range(1, 5):
        headers = ((TICK_HEADER, b""),)
        made.append(FakeRecord(len(made), end_ms + minute * 20_000, None, headers=headers))
    return made


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a small load reaches."""
    monkeypatch.setattr(session_log, "MAX_SEGMENTS", 4)
    monkeypatch.setattr(session_log, "_SPARE_VIEWERS", 10)
    monkeypatch.setattr(checkpoints, "MAX_PAYLOAD_BYTES", 4_000)


def folds(records: Sequence[FakeRecord], size: int = 100) -> Iterator[Sequence[FakeRecord]]:
    for at in range(0, len(records), size):
        yield records[at : at + size]


def saved_at_300(records: Sequence[FakeRecord]) -> tuple[Partition, Log]:
    """A partition that has a checkpoint, and went on to the record 600."""
    partition, log = Partition(), Log()
    partition.state.apply(records[:300])
    partition.save(log)
    partition.state.apply(records[300:600])
    return partition, log


def one_pass(records: Sequence[FakeRecord]) -> Partition:
    partition = Partition()
    for fold in folds(records):
        partition.state.apply(fold)
    return partition


def test_restored_state_is_the_state_that_was_saved(records: list[FakeRecord]) -> None:
    partition, log = Partition(), Log()
    for fold in folds(records):
        partition.state.apply(fold)
        partition.save(log)
        assert restore(log).figures() == partition.figures()
    assert partition.figures()[0], "no viewer is left: the load is too short to tell"


def test_every_beginning_of_the_log_leads_to_the_figures_of_one_pass(
    records: list[FakeRecord],
) -> None:
    whole = one_pass(records)
    partition, log = Partition(), Log()
    begun = [0]
    for fold in folds(records, 250):
        partition.state.apply(fold)
        partition.save(log)
        begun.append(len(log))
    prefixes = [*range(begun[1], begun[3]), *range(begun[-2], len(log) + 1)]
    for length in prefixes:
        again = restore(log[:length])
        for fold in folds(records):
            again.state.apply(fold)
        assert again.figures() == whole.figures(), f"after {length} of {len(log)} records"


def test_outputs_before_and_after_a_restore_are_those_of_one_pass(
    records: list[FakeRecord],
) -> None:
    whole = one_pass(records).outputs
    partition, log = Partition(), Log()
    half = len(records) // 2
    for fold in folds(records[:half]):
        partition.state.apply(fold)
    partition.save(log)
    partition.state.apply(records[half : half + 200])
    again = restore(log)
    again.state.apply(records[half:])
    before, after = partition.outputs, again.outputs
    assert {*before.view_values, *after.view_values} == {*whole.view_values}
    assert {r[3] for r in [*before.accepted_records, *after.accepted_records]} == {
        r[3] for r in whole.accepted_records
    }
    assert len(before.rejected_records) + len(after.rejected_records) >= len(whole.rejected_records)
    assert len(after.accepted_records) < len(whole.accepted_records)


def test_log_stays_as_small_as_what_it_describes(records: list[FakeRecord]) -> None:
    partition, log = Partition(), Log()
    for fold in folds(records, 20):
        partition.state.apply(fold)
        partition.save(log)
    live: dict[bytes, bytes] = {}
    for key, value in log:
        if value is None:
            live.pop(key, None)
        else:
            live[key] = value
    assert sum(map(is_manifest, live)) == 1
    found = newest_checkpoint(live)
    assert found is not None
    assert len(live) == len(found.entries) + 1
    segments = {entry.name for _, entry in found.entries if entry.kind == checkpoints.VIEWS}
    assert len(segments) <= 4
    panes = {entry.name for _, entry in found.entries if entry.kind == checkpoints.PANES}
    assert panes == set(partition.state.panes.starts())


def test_checkpoint_writes_downstream_first_and_the_manifest_last(
    records: list[FakeRecord],
) -> None:
    partition = Partition()
    partition.state.apply(records[:500])
    cut = partition.cut()
    kinds = [checkpoints.decode_entry(value).kind for _, value in cut.records[:-1]]
    assert list(dict.fromkeys(kinds)) == ["contents", "panes", "views", "dedupe"]
    assert [is_manifest(key) for key, _ in cut.records] == [False] * len(kinds) + [True]
    assert all(len(value) < 4_200 for _, value in cut.records[:-1])


def test_failed_checkpoint_is_part_of_the_next_and_its_records_go(
    records: list[FakeRecord],
) -> None:
    partition, log = saved_at_300(records)
    failed = partition.cut()
    log += failed.records[:3]
    partition.state.apply(records[600:900])
    partition.save(log)
    again = restore(log)
    assert again.figures() == partition.figures()
    before = len(log)
    again.state.apply(records[900:901])
    again.save(log)
    gone = {key for key, value in log[before:] if value is None}
    assert gone.isdisjoint(key for key, _ in failed.records)


def test_checkpoint_has_nothing_of_what_happens_while_it_is_written(
    records: list[FakeRecord],
) -> None:
    partition, log = saved_at_300(records)
    before = one_pass(records[:600]).figures()
    partition.begin()
    at = 600
    while (cut := partition.log.go_on(1)) is None:
        partition.state.apply(records[at : at + 30])
        at += 30
    assert at > 700
    log += cut.records
    assert restore(log).figures() == before
    partition.log.confirm()
    partition.save(log)
    assert restore(log).figures() == partition.figures() == one_pass(records[:at]).figures()


def test_checkpoint_that_was_given_up_half_way_leaves_nothing(records: list[FakeRecord]) -> None:
    partition, log = saved_at_300(records)
    partition.begin()
    assert partition.log.go_on(2) is None
    partition.state.apply(records[600:900])
    partition.save(log)
    assert restore(log).figures() == partition.figures()
    before = len(log)
    partition.state.apply(records[900:])
    partition.save(log)
    written = {key for key, value in log[before:] if value is not None}
    assert written.isdisjoint(key for key, value in log[before:] if value is None)


def test_checkpoint_that_could_not_be_encoded_leaves_nothing(
    records: list[FakeRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    partition, log = saved_at_300(records)

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(session_log, "encode_segment", fail)
        with pytest.raises(MemoryError):
            partition.cut()
    before = len(log)
    partition.save(log)
    assert restore(log).figures() == partition.figures()
    written = {key for key, value in log[before:] if value is not None}
    assert written.isdisjoint(key for key, value in log[before:] if value is None)


def test_there_is_nothing_to_go_on_with_where_no_checkpoint_was_begun() -> None:
    with pytest.raises(ValueError, match="no checkpoint was begun"):
        Partition().log.go_on(1)


def test_worker_that_was_stalled_while_another_took_over_changes_nothing(
    records: list[FakeRecord],
) -> None:
    stalled, log = Partition("stalled"), Log()
    stalled.state.apply(records[:300])
    stalled.save(log)
    successor = restore(log, "successor")
    successor.state.apply(records[300:400])
    successor.save(log, generation=2)
    # It reaches further than its successor, but its commit is refused: it deletes nothing.
    stalled.state.apply(records[300:900])
    log += stalled.cut().records
    third = restore(log, "third")
    assert third.state.upto == 399
    third.state.apply(records)
    assert third.figures() == one_pass(records).figures()
    third.save(log, generation=3)
    assert restore(log).figures() == third.figures()


def test_manifest_that_misses_an_entry_is_passed_over(records: list[FakeRecord]) -> None:
    partition, log = saved_at_300(records)
    cut = partition.cut()
    for missing in range(len(cut.records) - 1):
        kept = [record for n, record in enumerate(cut.records) if n != missing]
        assert restore([*log, *kept]).state.upto == 299
    assert restore([*log, *cut.records]).state.upto == 599


def test_record_of_another_schema_stops_with_what_to_do() -> None:
    partition, log = Partition(), Log()
    partition.state.apply([FakeRecord(0, T0, msgspec.json.encode(play(0)))])
    partition.save(log)
    newer = [(key, b"\x63" + (value or b"")[1:]) for key, value in log]
    with pytest.raises(OperatorError, match=r"schema 99.*reads 4.*playvitals topics reset"):
        restore(newer)
    garbled = [(key, (value or b"")[:-2]) for key, value in log]
    with pytest.raises(OperatorError, match="cannot be read"):
        restore(garbled)


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (Origin(TOPIC, 2), "made with 1 partitions and there are 2 now"),
        (Origin("other.events.raw", 1), "holds a checkpoint of playvitals.events.raw-0"),
    ],
)
def test_checkpoint_of_other_partitions_or_another_topic_stops(
    origin: Origin, message: str
) -> None:
    partition, log = Partition(), Log()
    partition.state.apply([FakeRecord(0, T0, msgspec.json.encode(play(0)))])
    partition.save(log)
    newest = {key: value for key, value in log if value is not None}
    found = newest_checkpoint(newest)
    assert found is not None
    other = Partition("other")
    with pytest.raises(OperatorError, match=message):
        list(CheckpointLog(other.state, origin, "other").load(newest, found))


def test_what_waits_for_a_content_is_the_same_after_a_restart() -> None:
    named = {"platform": "ios", "networkType": "wifi", "cdn": "c", "appVersion": "1"}
    frame: dict[str, Any] = {"rendition": "720p", "codec": "h264", "top": named}
    events = [
        impression(30, entryPoint="feed", top=named),
        play(35, **frame),
        play(39, "b", **frame),
        # What was not named was counted as unknown.
        event("like", 41, top=named | {"country": "unknown"}),
    ]
    records = [
        FakeRecord(n, at_ms(fields), msgspec.json.encode(fields)) for n, fields in enumerate(events)
    ]
    partition, log = Partition(), Log()
    partition.state.apply(records[:3])
    partition.save(log)
    again = restore(log)
    for one in (partition, again):
        one.state.apply(records[3:])
    assert again.state.contents.pending == partition.state.contents.pending
    assert again.state.contents.save() == partition.state.contents.save()
