"""The oracle and the product agree on an undisturbed pass, and the comparison sees what differs."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.load import Load
from models.dimensions import DIMENSIONS
from models.windows import window_record
from tests.chaos.compare import Keyed, differences
from tests.chaos.oracle import Expected, RawRecord, Rules, run_oracle
from tests.chaos.strangers import INVALID
from tests.support.core import MINUTE_MS, T0, Core, FakeRecord, reference_pairs

WINDOWS = {"1m": 60, "2h": 7_200}
RULES = Rules("playvitals.events.raw", WINDOWS, 60, 900, 30, 24, DIMENSIONS)
EVENTS = 12_000
SECONDS = 1_500.0
END_MS = T0 + 3 * 3_600_000


@dataclass
class Topics:
    """What the product writes to its topics."""

    accepted: list[Keyed]
    rejected: list[Keyed]
    views: list[Keyed]
    windows: list[Keyed]

    def differences(self, expected: Expected) -> list[str]:
        return differences(expected, self.accepted, self.rejected, self.views, self.windows)


def core_pass(records: list[RawRecord]) -> Topics:
    """One partition, one undisturbed pass of the product."""
    core = Core(1, windows_ms=[seconds * 1000 for seconds in WINDOWS.values()])
    for first in range(0, len(records), 100):
        core.states[0].apply(
            [
                FakeRecord(r.offset, r.timestamp_ms, r.value, r.key, r.headers)
                for r in records[first : first + 100]
            ]
        )
    core.publish()
    windows: list[Keyed] = []
    for name, merged in core.merged.items():
        for index, label in enumerate(WINDOWS):
            for value, figures in merged.slices(index):
                if name == "all" or not figures.is_empty():
                    record = window_record(label, name, value, "", "", figures)
                    key = f"{label}|{name}|{value}".encode()
                    windows.append((key, json.loads(msgspec.json.encode(record)), {}))
    outputs = core.outputs
    return Topics(
        [(None, value, {"pv-src": source}) for _, _, value, source in outputs.accepted_records],
        [(key, value, {}) for key, value in outputs.rejected_records],
        [(None, value, {}) for value in outputs.views],
        windows,
    )


@pytest.fixture(scope="module")
def records() -> list[RawRecord]:
    """Interleaved sessions in order, with repetitions, every kind of refusal, and ticks."""
    made: list[RawRecord] = []

    def add(timestamp_ms: int, value: bytes | None, headers: tuple[Any, ...] = ()) -> None:
        made.append(RawRecord(0, len(made), timestamp_ms, None, value, headers))

    for chunk in Load(EVENTS, SECONDS, END_MS).chunks():
        for number, (_, value, timestamp_ms) in enumerate(chunk):
            add(timestamp_ms, value)
            if number % 9 == 0:
                add(timestamp_ms, made[len(made) // 2].value)
            if number % 50 == 0:
                _, build = INVALID[number // 50 % len(INVALID)]
                event = {"event": "like", "contentId": "a", "sessionId": f"stranger-{number}"}
                add(timestamp_ms, build(event))
    for second in range(5, 1_200, 5):
        add(END_MS + second * 1_000, None, (("pv-tick", b""),))
    return made


@pytest.fixture(scope="module")
def expected(records: list[RawRecord]) -> Expected:
    return run_oracle(records, RULES)


@pytest.fixture(scope="module")
def topics(records: list[RawRecord]) -> Topics:
    return core_pass(records)


def test_oracle_and_product_agree_on_sessions_in_order(expected: Expected, topics: Topics) -> None:
    assert topics.differences(expected) == []
    assert expected.out_of_order == 0
    assert min(len(expected.accepted), expected.duplicates, len(expected.rejected)) > 100
    assert len(expected.views) > 1_000
    assert expected.ticks == 239


def test_oracle_gives_the_figures_that_ship_with_real_logs(reference_data: Path) -> None:
    figures = json.loads((reference_data / "expected.json").read_text())["all"]
    pairs = reference_pairs(reference_data / "clean.ndjson.gz")
    records = [RawRecord(0, n, at_ms, None, value, ()) for n, (at_ms, value) in enumerate(pairs)]
    whole = run_oracle(records, RULES).windows["2h|all|"]
    assert (whole["plays"], whole["completions"]) == (figures["plays"], figures["completions"])
    assert whole["rebuffers"] == figures["rebuffers"]
    assert whole["rebufferMs"] / 1000 == figures["rebuffer_seconds"]
    assert whole["watchMs"] / 1000 == pytest.approx(figures["watch_seconds"], rel=0.01)


def test_events_that_arrive_out_of_order_are_noticed(records: list[RawRecord]) -> None:
    likes = [
        {
            "event": "like",
            "contentId": "a",
            "sessionId": "s",
            "eventId": f"e{n}",
            "timestamp": f"2023-11-14T22:13:0{n}.000Z",
        }
        for n in (2, 1)
    ]
    shuffled = [
        RawRecord(0, n, T0 + MINUTE_MS, None, json.dumps(like).encode(), ())
        for n, like in enumerate(likes)
    ]
    assert run_oracle(shuffled, RULES).out_of_order == 1


@pytest.mark.parametrize(
    ("topic", "word"),
    [("accepted", "accepted"), ("rejected", "rejected"), ("views", "view"), ("windows", "windows")],
)
def test_record_that_is_missing_or_too_much_is_told(
    topic: str, word: str, expected: Expected, topics: Topics
) -> None:
    less = copy.copy(topics)
    setattr(less, topic, getattr(topics, topic)[1:])
    (told,) = less.differences(expected)
    assert told.startswith(word)


def test_view_that_is_counted_twice_under_another_id_is_told(
    expected: Expected, topics: Topics
) -> None:
    more = copy.copy(topics)
    key, view, headers = topics.views[0]
    more.views = [*topics.views, (key, view | {"viewId": "another"}, headers)]
    assert [line.split(":")[0] for line in more.differences(expected)] == ["view is too much"]


@pytest.mark.parametrize("topic", ["accepted", "rejected", "views"])
def test_repetition_is_fine_and_a_changed_one_is_told(
    topic: str, expected: Expected, topics: Topics
) -> None:
    again = copy.copy(topics)
    first = getattr(topics, topic)[0]
    setattr(again, topic, [*getattr(topics, topic), first])
    assert again.differences(expected) == []
    key, value, headers = first
    setattr(again, topic, [*getattr(topics, topic), (key, value | {"more": 1}, headers)])
    assert any("is repeated with a change" in line for line in again.differences(expected))


@pytest.mark.parametrize("figure", ["plays", "watchMs", "activeViewers", "endedViews"])
def test_figure_that_is_off_by_one_is_told(figure: str, expected: Expected, topics: Topics) -> None:
    off = copy.copy(topics)
    key, record, headers = next(w for w in topics.windows if w[0] == b"2h|all|")
    others = [window for window in topics.windows if window[0] != key]
    off.windows = [*others, (key, record | {figure: record[figure] + 1}, headers)]
    (told,) = off.differences(expected)
    assert told.startswith(f"windows 2h|all| {figure}: expected {record[figure]}, got")
