"""The state of a partition: verdicts, outputs, the ledger, determinism, and real player logs."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import REMOVAL_GRACE_MS, Catalogue
from models.figures import (
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    WATCH_MS,
    Figures,
)
from models.formulas import rebuffer_ratio
from models.histogram import quantiles_ms
from models.verdicts import UNKNOWN_CONTENT
from tests.support.core import (
    MINUTE_MS,
    T0,
    Core,
    FakeRecord,
    at_ms,
    complete,
    event,
    impression,
    play,
    progress,
    reference_pairs,
    stall,
    swipe,
)


def test_repeated_event_is_dropped_and_counted() -> None:
    core = Core()
    core.send(play(1), play(1), play(1))
    state = core.states[0]
    assert (state.accepted, state.duplicate, state.rejected) == (1, 2, 0)
    assert core.counters.events["playStart", "duplicate"] == 2
    assert len(core.outputs.accepted_records) == 1


def test_accepted_event_says_where_it_comes_from() -> None:
    core = Core()
    core.send(impression(0), play(1))
    partition, key, value, source = core.outputs.accepted_records[1]
    assert (partition, key, source) == (0, b"s1", b"0:1")
    assert value["receivedAt"] == value["timestamp"] == "2023-11-14T22:13:21.000Z"
    assert value["adjusted"] is False
    assert value["data"] == {"startupTime": 400}


def test_accepted_event_says_where_it_comes_from_at_every_offset() -> None:
    core = Core()
    offsets = [0, 9, 998, 999, 1000, 1001, 1999, 2000, 10_007, 999_999, 1_000_000, 2**40]
    for number, offset in enumerate(offsets):
        raw = json.dumps(impression(number)).encode()
        core.apply([FakeRecord(offset, T0 + 60_000, raw)])
    sources = [source for _, _, _, source in core.outputs.accepted_records]
    assert sources == [f"0:{offset}".encode() for offset in offsets]


def test_refused_record_keeps_its_bytes_and_its_place() -> None:
    core = Core()
    core.feed([(T0, b'{"event":"like"}'), (T0, b"\xff\xfe"), (T0, b"not json"), (T0, None)])
    values = [value for _, value in core.outputs.rejected_records]
    assert [value["reason"] for value in values] == [
        "missing_field",
        "malformed",
        "malformed",
        "malformed",
    ]
    assert values[0] == {
        "reason": "missing_field",
        "field": "contentId",
        "message": "contentId: required by this event type; expected a string",
        "receivedAt": "2023-11-14T22:13:20.000Z",
        "source": {"topic": "playvitals.events.raw", "partition": 0, "offset": 0},
        "raw": '{"event":"like"}',
    }
    assert (values[1]["raw"], values[1]["rawEncoding"]) == ("//4=", "base64")
    assert values[2]["raw"] == "not json"
    assert core.states[0].rejected == 4


def test_id_of_a_refused_event_is_not_remembered() -> None:
    core = Core()
    core.send({**play(1, event_id="x"), "contentId": "no good"}, play(2, event_id="x"))
    assert (core.states[0].rejected, core.states[0].accepted) == (1, 1)


def test_event_without_an_id_is_told_apart_by_its_fields_or_its_place() -> None:
    core = Core()
    timed = play(1)
    del timed["eventId"]
    untimed = {key: value for key, value in timed.items() if key != "timestamp"}
    core.feed([(T0 + 1000, json.dumps(fields).encode()) for fields in (timed, timed)])
    core.feed([(T0 + 1000, json.dumps(fields).encode()) for fields in (untimed, untimed)])
    assert (core.states[0].accepted, core.states[0].duplicate) == (3, 1)
    ids = {record[2]["eventId"] for record in core.outputs.accepted_records}
    assert len(ids) == 3


def test_record_away_from_its_keys_partition_is_processed_and_counted() -> None:
    core = Core(partitions=2)
    here = core.partition_of(json.dumps(play(1)).encode())
    core.feed([(T0 + 1000, json.dumps(play(1)).encode())], partition=1 - here)
    assert core.counters.misrouted == 1
    assert core.outputs.accepted_records[0][0] == here
    assert core.states[1 - here].accepted == 1


def test_event_far_in_the_future_counts_at_server_time() -> None:
    core = Core()
    core.feed([(T0, json.dumps(play(3600)).encode())])
    assert core.outputs.accepted_records[0][2]["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert core.outputs.accepted_records[0][2]["adjusted"] is True
    assert core.counters.adjusted_timestamps == 1
    assert core.rolling().sums[PLAYS] == 1


def test_late_event_counts_in_counters_and_views_but_in_no_pane() -> None:
    core = Core()
    core.send(impression(0, "z"))
    core.feed([(T0 + 3 * 3600_000, json.dumps(play(1)).encode())])
    core.publish()
    assert core.counters.late_events == 1
    assert core.counters.total(PLAYS) == 1
    assert core.rolling().sums[PLAYS] == 0
    assert core.states[0].views.open_views == 1


def test_clock_never_runs_back() -> None:
    core = Core()
    core.send(play(100))
    core.feed([(T0, json.dumps(play(50, "b")).encode())])
    assert core.states[0].clock_ms == T0 + 100_000


def test_record_applied_before_is_skipped() -> None:
    core = Core()
    record = FakeRecord(0, T0, json.dumps(play(0)).encode())
    for _ in range(2):
        core.states[0].apply([record])
    assert (core.states[0].accepted, core.states[0].duplicate) == (1, 0)


SESSION = [
    impression(0),
    play(1),
    progress(6, 5.0),
    stall(9, 1200, position=6.0),
    progress(14, 10.0),
    complete(15, 11.0),
    swipe(17, 12.5, to="b"),
    impression(17, "b"),
    play(18, "b", startup=900),
    progress(24, 5.5, "b"),
    swipe(30, 9.0, "b", to="c"),
    impression(30.5, "c"),
    swipe(33, 0.0, "c", to="d"),
]


@settings(max_examples=60)
@given(st.data())
def test_cutting_the_log_into_folds_changes_nothing(data: st.DataObject) -> None:
    records = [
        FakeRecord(offset, at_ms(fields), json.dumps(fields).encode())
        for offset, fields in enumerate(SESSION)
    ]
    whole, cut = Core(), Core()
    whole.apply(records)
    place = 0
    while place < len(records):
        size = data.draw(st.integers(1, len(records)))
        cut.apply(records[place : place + size])
        place += size
        if data.draw(st.booleans()):
            cut.publish()
    for core in (whole, cut):
        core.settle(T0 + 33_000)
        core.publish()
    assert cut.outputs.view_values == whole.outputs.view_values
    assert cut.outputs.accepted_records == whole.outputs.accepted_records
    for dimension in whole.merged:
        assert dict(cut.merged[dimension].slices(1)) == dict(whole.merged[dimension].slices(1))


def test_long_fold_does_the_same_as_one_record_at_a_time() -> None:
    events = [
        {**fields, "sessionId": f"s{number}", "eventId": f"{number}-{place}"}
        for place, fields in enumerate(SESSION)
        for number in range(30)
    ]
    # Every seventh comes again, some right after it and some hundreds of records later.
    events += events[::7]
    records = [
        FakeRecord(offset, T0 + offset, json.dumps(fields).encode())
        for offset, fields in enumerate(sorted(events, key=at_ms))
    ]
    whole, one_by_one = Core(), Core()
    times_ms = whole.states[0].apply(records)
    assert times_ms == [record.timestamp for record in records]
    for record in records:
        one_by_one.states[0].apply([record])
    for core in (whole, one_by_one):
        assert (core.states[0].accepted, core.states[0].duplicate) == (390, 56)
    assert whole.outputs.accepted_records == one_by_one.outputs.accepted_records
    assert whole.publish() == one_by_one.publish()


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.sampled_from([1, 2, 12]))
def test_interleaving_sessions_over_partitions_changes_no_figure(
    order: random.Random, partitions: int
) -> None:
    sessions = [
        [
            {**fields, "sessionId": f"s{number}", "eventId": f"{number}-{place}"}
            for place, fields in enumerate(SESSION)
        ]
        for number in range(6)
    ]
    alone, mixed = Core(), Core(partitions=partitions)
    for session in sessions:
        alone.feed((T0 + 60_000, json.dumps(fields).encode()) for fields in session)
    while any(sessions):
        session = order.choice([session for session in sessions if session])
        mixed.feed([(T0 + 60_000, json.dumps(session.pop(0)).encode())])
    for core in (alone, mixed):
        core.settle(T0 + 60_000)
        core.publish()
    for dimension in alone.merged:
        assert dict(alone.merged[dimension].slices(1)) == dict(mixed.merged[dimension].slices(1))
    assert sorted(alone.outputs.view_values) == sorted(mixed.outputs.view_values)


def replayed(path: Path, partitions: int = 1) -> tuple[Core, Figures]:
    pairs = reference_pairs(path)
    core = Core(partitions=partitions)
    core.feed(pairs)
    core.settle(pairs[-1][0])
    return core, core.rolling()


@pytest.mark.parametrize("partitions", [1, 12])
@pytest.mark.parametrize("file", ["clean", "dirty"])
def test_real_player_logs_give_the_figures_that_ship_with_them(
    reference_data: Path, file: str, partitions: int
) -> None:
    expected = json.loads((reference_data / "expected.json").read_text())
    figures = expected["all"]
    core, rolling = replayed(reference_data / f"{file}.ndjson.gz", partitions)
    sums = rolling.sums
    assert sums[PLAYS] == figures["plays"]
    assert sums[COMPLETIONS] == figures["completions"]
    assert sums[REBUFFERS] == figures["rebuffers"]
    assert sums[REBUFFER_MS] == figures["rebuffer_seconds"] * 1000
    assert sums[ENDED_VIEWS] == figures["views"] == len(core.outputs.views)
    assert sums[REBUFFERED_VIEWS] == figures["rebuffered_views"]
    assert sums[EXITS_BEFORE_START] == expected["exits_before_start"]
    assert sums[WATCH_MS] == pytest.approx(figures["watch_seconds"] * 1000, rel=0.01)
    assert rebuffer_ratio(sums) == pytest.approx(figures["rebuffer_ratio"], rel=0.01)
    assert core.counters.total(WATCH_MS) == pytest.approx(sums[WATCH_MS], rel=0.001)
    quantiles = quantiles_ms(rolling.startups, (500, 900, 950, 990))
    assert quantiles is not None
    for quantile, got_ms in zip(("0.5", "0.9", "0.95", "0.99"), quantiles, strict=True):
        assert got_ms / 1000 == pytest.approx(expected["startup_seconds"][quantile], rel=0.01)
    verdicts = expected["dirty"] if file == "dirty" else {"accepted": expected["events"]}
    assert sum(state.accepted for state in core.states) == verdicts["accepted"]
    assert sum(state.duplicate for state in core.states) == verdicts.get("duplicates", 0)
    assert dict(core.counters.rejected) == verdicts.get("rejected", {})


def test_watch_time_of_sessions_without_a_pause_is_exact(reference_data: Path) -> None:
    expected = json.loads((reference_data / "expected.json").read_text())["clean_sessions_only"]
    _, rolling = replayed(reference_data / "clean-sessions.ndjson.gz")
    assert rolling.sums[WATCH_MS] == expected["watch_seconds"] * 1000
    assert round(rebuffer_ratio(rolling.sums) or 0, 6) == expected["rebuffer_ratio"]


def test_refused_lines_of_real_logs_keep_their_bytes(reference_data: Path) -> None:
    path = reference_data / "dirty.ndjson.gz"
    core, _ = replayed(path)
    lines = {raw.decode() for _, raw in reference_pairs(path)}
    assert len(core.outputs.rejected_records) == 60
    assert all(value["raw"] in lines for _, value in core.outputs.rejected_records)


def test_ids_are_forgotten_with_the_clock() -> None:
    core = Core()
    core.send(event("like", 0, event_id="x"))
    core.tick(T0 + 26 * 60 * MINUTE_MS)
    core.feed(
        [(T0 + 26 * 60 * MINUTE_MS, json.dumps(event("like", 93_600, event_id="x")).encode())]
    )
    assert core.states[0].accepted == 2


def test_content_that_is_not_in_the_catalogue_is_refused_and_counts_nowhere() -> None:
    catalogue = Catalogue(10)
    catalogue.put("a")
    core = Core(catalogue=catalogue)
    core.send(play(0.0, "a", event_id="1"), play(0.1, "b", event_id="2"))
    state = core.states[0]
    assert (state.accepted, state.rejected) == (1, 1)
    assert core.counters.rejected == {UNKNOWN_CONTENT: 1}
    catalogue.remove("a", state.clock_ms + 1_000 - REMOVAL_GRACE_MS)
    core.send(play(0.5, "a", event_id="3"), play(2.0, "a", event_id="4"))
    assert (state.accepted, state.rejected) == (2, 2)
