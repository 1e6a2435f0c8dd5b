"""What a worker tells of its partitions, and when."""

import json
from dataclasses import dataclass, field
from typing import Any

from agents.health import HealthReports
from agents.intake import Intake
from models.timestamps import format_timestamp
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tests.support.core import T0, FakeRecord, Remembered, play, rules

RAW = "playvitals.events.raw"


@dataclass
class FakeOutputs(Remembered):
    reports: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def health(self, partition: int, value: bytes) -> None:
        self.reports.append((partition, json.loads(value)))

    def partial(self, dimension: str, value: bytes) -> None: ...

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    async def wait_room(self) -> None: ...


class Scene:
    """A worker with partitions, at a time and a lag that a test chooses."""

    def __init__(self, partitions: int = 1) -> None:
        self.now_ms = T0 + 60_000
        self.lag: int | None = 0
        self.current = True
        self.outputs = FakeOutputs()
        self.intake = Intake(rules(), Counters(), self.outputs, lambda _: 0, tick_ms=5000)
        for number in range(partitions):
            owned = self.intake.new_partition(number, Origin(RAW, partitions))
            self.intake.partitions[number] = owned
        self.subject = HealthReports(
            self.intake, self.outputs, self.lag_of, lambda: self.current, lambda: self.now_ms
        )

    def lag_of(self, partition: int, next_offset: int) -> int | None:
        assert next_offset == self.intake.partitions[partition].state.upto + 1
        return self.lag

    def play(self, offset: int, server_ms: int = T0) -> None:
        value = json.dumps(play(offset, f"c{offset}")).encode()
        self.intake.apply(0, [FakeRecord(offset, server_ms, value)])

    def publish(self, after_ms: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """What is published when so much time has passed."""
        self.now_ms += after_ms
        before = len(self.outputs.reports)
        self.subject.publish()
        return self.outputs.reports[before:]


def test_report_has_the_state_of_the_partition() -> None:
    scene = Scene()
    scene.play(0)
    again = json.dumps(play(0, "c0")).encode()
    values = (again, b"{}", b"no json")
    scene.intake.apply(0, [FakeRecord(n, T0 + n, value) for n, value in enumerate(values, 1)])
    scene.intake.partitions[0].saved_at_seconds = (T0 + 500) / 1000
    ((partition, report),) = scene.publish()
    assert partition == 0
    assert report == {
        "partition": 0,
        "publishedAt": format_timestamp(T0 + 60_000),
        "clock": format_timestamp(T0 + 3),
        "upto": 3,
        "lagRecords": 0,
        "freshnessSeconds": 0.0,
        "accepted": 1,
        "duplicates": 1,
        "rejected": 2,
        "ledgerImbalance": 0,
        "checkpointAt": format_timestamp(T0 + 500),
    }


def test_partition_without_a_record_has_no_clock_and_no_checkpoint() -> None:
    scene = Scene()
    scene.lag = None
    ((_, report),) = scene.publish()
    assert (report["clock"], report["upto"], report["checkpointAt"]) == (None, -1, None)
    assert (report["lagRecords"], report["freshnessSeconds"]) == (None, None)
    scene.lag = 3
    ((_, report),) = scene.publish(1000)
    assert (report["lagRecords"], report["freshnessSeconds"]) == (3, None)


def test_with_records_waiting_freshness_is_the_age_of_the_newest_counted_one() -> None:
    scene = Scene()
    scene.play(0, T0 + 57_750)
    scene.lag = 9
    ((_, report),) = scene.publish()
    assert (report["lagRecords"], report["freshnessSeconds"]) == (9, 2.25)
    scene.play(1, T0 + 100_000)
    ((_, report),) = scene.publish(1000)
    assert report["freshnessSeconds"] == 0.0, "the broker's clock is ahead"


def test_change_is_told_within_a_second_and_the_same_every_five() -> None:
    scene = Scene()
    assert len(scene.publish()) == 1
    assert scene.publish(1000) == []
    scene.play(0)
    assert scene.publish(100)[0][1]["accepted"] == 1
    scene.play(1)
    assert scene.publish(100) == [], "the last report is a moment ago"
    assert scene.publish(900)[0][1]["accepted"] == 2
    quiet = [len(scene.publish(1000)) for _ in range(10)]
    assert quiet == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_lag_that_grows_is_a_change() -> None:
    scene = Scene()
    scene.play(0)
    scene.publish()
    for lag in (5, 11):
        scene.lag = lag
        ((_, report),) = scene.publish(1000)
        assert report["lagRecords"] == lag


def test_each_owned_partition_reports_and_a_lost_one_no_more() -> None:
    scene = Scene(partitions=3)
    assert [partition for partition, _ in scene.publish()] == [0, 1, 2]
    lost = scene.intake.partitions.pop(1)
    assert [partition for partition, _ in scene.publish(5000)] == [0, 2]
    scene.intake.partitions[1] = lost
    assert [partition for partition, _ in scene.publish(100)] == [1], "it came back: told at once"


def test_worker_that_may_have_lost_its_partitions_says_nothing() -> None:
    scene = Scene()
    scene.current = False
    assert scene.publish() == []
    scene.current = True
    assert len(scene.publish()) == 1
