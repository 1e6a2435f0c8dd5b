"""The parts of the chaos suite that can be shown to notice something without a cluster."""

import json
import time
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from models.validation import read_event
from models.verdicts import CheckedEvent, Refusal
from tests.chaos.faults import FAULTS, first_round
from tests.chaos.harness import lost
from tests.chaos.load import Load, Viewer
from tests.chaos.report import Report
from tests.chaos.settling import changes, stale
from tests.chaos.strangers import INVALID
from tests.chaos.topics import Keyed

REASONS = {
    "malformed",
    "too_large",
    "missing_field",
    "invalid_type",
    "invalid_content_id",
    "out_of_range",
    "too_old",
}
NOW_MS = 1_767_323_045_000
NOW = "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize("number", range(len(INVALID)))
def test_invalid_record_is_refused_for_its_reason(number: int) -> None:
    reason, build = INVALID[number]
    event = {"event": "like", "contentId": "a", "sessionId": "s", "timestamp": NOW}
    # The one that is too old is so at the present time, not at that of the others.
    now_ms = time.time_ns() // 1_000_000 if reason == "too_old" else NOW_MS
    verdict = read_event(build(event), now_ms)
    assert isinstance(verdict, Refusal)
    assert verdict.reason == reason


def test_every_reason_is_provoked() -> None:
    assert {reason for reason, _ in INVALID} == REASONS


@pytest.mark.parametrize("seed", range(20))
def test_first_round_has_every_fault_and_adds_workers_before_it_takes_some_away(seed: int) -> None:
    plan = first_round(Random(seed))  # noqa: S311 - a plan, not a secret
    assert sorted(plan) == sorted(FAULTS)
    assert plan.index("scale-up") > plan.index("scale-down")


def test_orders_of_faults_differ_between_seeds() -> None:
    plans = {tuple(first_round(Random(seed))) for seed in range(20)}  # noqa: S311 - the same
    assert len(plans) > 10


def test_events_of_a_viewer_are_valid_and_in_order() -> None:
    load = Load("http://127.0.0.1:1", "pk_live_x", seed=5)
    viewer: Viewer = load.new_viewer()
    bodies = [load.event_of(viewer)[1] for _ in viewer.events]
    now_ms = time.time_ns() // 1_000_000
    verdicts = [read_event(body, now_ms) for body in bodies]
    times = [v.timestamp_ms for v in verdicts if isinstance(v, CheckedEvent) and not v.adjusted]
    assert all(isinstance(verdict, CheckedEvent) for verdict in verdicts)
    assert times == sorted(set(times))
    assert len({json.loads(body)["eventId"] for body in bodies}) == len(bodies)


def record(value: bytes | None) -> Any:
    return SimpleNamespace(value=value)


def test_acknowledged_record_that_is_not_in_the_topic_is_told() -> None:
    records = [record(b'{"eventId":"a"}'), record(b"[1]"), record(b"{"), record(None)]
    assert lost(records, {"a"}, {b"[1]", b"{"}) == []
    assert lost(records, {"a", "b"}, {b"[2]"}) == [
        "event b was acknowledged and is lost",
        "record b'[2]' was acknowledged and is lost",
    ]


def window(key: bytes, end: str, plays: int) -> Keyed:
    return key, {"start": "x", "end": end, "plays": plays}, {}


def test_slice_that_a_restart_changes_is_told_and_one_with_another_end_is_not() -> None:
    before = [window(b"a", "1", 5), window(b"b", "1", 5), window(b"c", "1", 5)]
    after = [window(b"a", "2", 5), window(b"b", "2", 6), window(b"d", "2", 5)]
    assert changes(before, after) == [
        "windows b'b' was {'plays': 5} before a restart and is {'plays': 6}",
        "windows b'c' was {'plays': 5} before a restart and is None",
        "windows b'd' was None before a restart and is {'plays': 5}",
    ]


def test_slice_of_an_earlier_moment_is_told() -> None:
    assert stale([window(b"a", NOW, 1)], NOW_MS) == []
    assert stale([window(b"a", NOW, 1)], NOW_MS + 1) == [
        f"windows b'a' ends at {NOW}, the clock is 2026-01-02T03:04:05.001Z"
    ]


def test_report_is_one_line_that_counts_its_differences() -> None:
    report = Report(3, 100, 90, 7, 1, {"worker-kill": 2}, ["one", "two"], 1.26)
    assert json.loads(report.line()) == {
        "seed": 3,
        "events": 100,
        "received": 90,
        "repeated": 7,
        "unasked_ends": 1,
        "faults": {"worker-kill": 2},
        "differences": 2,
        "seconds": 1.3,
    }
