import json
from dataclasses import dataclass, field

from faust.types import TP

from agents.intake import Intake
from agents.owned import Continuity
from models.partials import Partial, decode_partial
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tests.support.core import T0, FakeRecord, Remembered, impression, play, rules

RAW = "playvitals.events.raw"
TICK = (("pv-tick", b""),)


@dataclass
class FakeOutputs(Remembered):
    partials: list[Partial] = field(default_factory=list)
    ticks: list[tuple[int, int]] = field(default_factory=list)

    def partial(self, dimension: str, value: bytes) -> None:
        partial = decode_partial(value)
        assert partial.dimension == dimension
        self.partials.append(partial)

    def tick(self, partition: int, header: str, clock_ms: int) -> None:
        assert header == "pv-tick"
        self.ticks.append((partition, clock_ms))

    async def wait_room(self) -> None:
        return


@dataclass
class FakeClock:
    now_ms: int = T0 + 500

    def __call__(self) -> int:
        return self.now_ms


def intake(
    clock: FakeClock | None = None, counters: Counters | None = None
) -> tuple[Intake, FakeOutputs]:
    outputs = FakeOutputs()
    taken = Intake(
        rules(dimensions=("codec",)),
        counters or Counters(),
        outputs,
        lambda _: 0,
        tick_ms=5000,
        wall_ms=clock or FakeClock(),
    )
    own(taken, 0)
    return taken, outputs


def own(taken: Intake, partition: int) -> None:
    taken.partitions[partition] = taken.new_partition(partition, Origin(RAW, 2))


def record(offset: int, fields: dict[str, object], at_ms: int = T0) -> FakeRecord:
    return FakeRecord(offset, at_ms, json.dumps(fields).encode())


def test_ledger_balances_over_accepted_duplicates_rejected_and_ticks() -> None:
    taken, _ = intake()
    taken.apply(
        0,
        [
            record(0, play(0)),
            record(1, play(0)),
            record(2, {"event": "like"}),
            FakeRecord(3, T0 + 1, None, headers=TICK),
        ],
    )
    owned = taken.partitions[0]
    assert owned.passed == 3
    assert owned.ledger_imbalance() == 0


def test_record_seen_again_after_a_rebalance_is_counted_once() -> None:
    taken, outputs = intake()
    fold = [record(0, impression(0)), record(1, play(1))]
    taken.apply(0, fold)
    taken.apply(0, [*fold, record(2, play(2, "b"))])
    owned = taken.partitions[0]
    assert (owned.passed, owned.state.accepted, owned.ledger_imbalance()) == (3, 3, 0)
    assert len(outputs.accepted_records) == 3


def test_partition_goes_on_where_its_state_ends() -> None:
    taken, _ = intake()
    assert taken.position(TP(RAW, 0)) is None
    taken.apply(0, [record(41, play(0))])
    assert taken.position(TP(RAW, 0)) == 42


def test_records_of_a_partition_that_was_lost_are_left_to_its_owner() -> None:
    taken, outputs = intake()
    assert taken.apply(1, [record(0, play(0))]) is Continuity.SKIP
    assert outputs.accepted_records == []


def test_fold_that_begins_too_late_is_fetched_again_before_it_is_believed() -> None:
    taken, _ = intake()
    owned = taken.partitions[0]
    taken.apply(0, [record(0, play(0))])
    late, later = [record(5, play(5, "f"))], [record(6, play(6, "g"))]
    assert taken.apply(0, late) is Continuity.FETCH_AGAIN
    assert taken.apply(0, later) is Continuity.SKIP
    assert owned.state.upto == 0
    assert taken.apply(0, [record(1, play(1, "b"))]) is Continuity.APPLY
    assert taken.apply(0, late) is Continuity.FETCH_AGAIN
    assert taken.apply(0, late) is Continuity.APPLY, "the offsets between do not exist"
    assert owned.ledger_imbalance() == 0
    assert (owned.passed, owned.state.upto) == (3, 5)


def test_changes_are_published_once_per_dimension_with_offset_and_clock() -> None:
    taken, outputs = intake()
    taken.apply(0, [record(0, impression(0)), record(1, play(1), T0 + 1000)])
    taken.publish_changes()
    assert [(p.dimension, p.upto, p.clock_ms) for p in outputs.partials] == [
        ("all", 1, T0 + 1000),
        ("codec", 1, T0 + 1000),
    ]
    assert outputs.partials[0].panes[0].start_ms == T0
    taken.publish_changes()
    assert len(outputs.partials) == 2


def test_clock_alone_is_published_too() -> None:
    taken, outputs = intake()
    taken.apply(0, [record(0, play(0))])
    taken.publish_changes()
    taken.apply(0, [FakeRecord(1, T0 + 5000, None, headers=TICK)])
    taken.publish_changes()
    assert [(p.clock_ms, p.panes) for p in outputs.partials[2:]] == [(T0 + 5000, [])] * 2


def test_tick_goes_only_to_a_partition_that_is_caught_up_and_idle() -> None:
    clock = FakeClock()
    taken, outputs = intake(clock)
    own(taken, 1)
    taken.apply(0, [record(0, play(0))])
    taken.apply(1, [record(0, play(0, session="s2"))])
    clock.now_ms += 6000
    taken.write_due_ticks(lambda partition, at: partition == 0 and at == 1)
    assert outputs.ticks == [(0, T0 + 5000)]


def test_age_of_an_event_is_measured_from_its_receipt() -> None:
    clock = FakeClock(T0 + 700)
    counters = Counters()
    taken, _ = intake(clock, counters)
    taken.apply(0, [record(0, play(0)), FakeRecord(1, T0, None, headers=TICK)])
    age = counters.event_age
    assert (sum(age.counts), age.sum_ms) == (1, 700)
