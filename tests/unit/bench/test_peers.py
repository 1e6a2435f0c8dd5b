"""Every peer counts what the load holds, and refuses and drops what is to be dropped."""

from collections import defaultdict
from typing import Any, NamedTuple

import msgspec
import pytest

from bench.load import Load
from bench.peers.aiokafka_loop import Partition
from bench.peers.bytewax_flow import RETAIN, Counted, Session, decoded, merged, sums_of
from bench.peers.job import DIMENSIONS, FIGURES, Panes, read
from bench.peers.plain_faust import takes
from bench.peers.programs import PROGRAMS
from bench.peers.quix import SPREAD_EVENTS, Counting
from bench.totals import Totals, totals_of

END_MS = 1_767_323_045_000


class Record(NamedTuple):
    key: bytes
    value: bytes
    timestamp: int


LOAD = [record for chunk in Load(20_000, 120, END_MS).chunks() for record in chunk]
RECORDS = [Record(*record) for record in LOAD]
REPEATED = RECORDS[::50]
BROKEN = [
    Record(b"k", value, END_MS)
    for value in (
        b"{",
        b'{"event":"playStart","eventId":"x1","sessionId":"s","timestamp":"2026-01-02T03:04:05Z"}',
        b'{"event":"like","sessionId":"s","timestamp":"2026-01-02T03:04:05Z"}',
    )
]
EXPECTED = totals_of(LOAD)
EXPECTED.duplicate = len(REPEATED)
INPUT = [*BROKEN, *RECORDS, *REPEATED]

Sums = dict[tuple[int, str, str], list[int]]


def in_batches(records: list[Record], size: int = 1000) -> list[list[Record]]:
    return [records[at : at + size] for at in range(0, len(records), size)]


def expected_panes() -> Sums:
    """The sums that follow from the load alone, with figures that need no view."""
    sums: Sums = defaultdict(lambda: [0] * len(FIGURES))
    for _, value, at_ms in LOAD:
        event = msgspec.json.decode(value)
        values = [(name, event.get(name, "unknown")) for name in DIMENSIONS]
        for slice_ in (("all", ""), *values):
            row = sums[at_ms - at_ms % 10_000, *slice_]
            row[FIGURES.index("events")] += 1
            if event["event"] == "rebuffer":
                row[FIGURES.index("rebuffers")] += 1
                row[FIGURES.index("rebufferMs")] += event["data"]["duration"]
    return sums


def check_panes(panes: Sums, totals: Totals) -> None:
    expected = expected_panes()
    assert panes.keys() == expected.keys()
    for key, row in expected.items():
        for figure in ("events", "rebuffers", "rebufferMs"):
            at = FIGURES.index(figure)
            assert panes[key][at] == row[at], (key, figure)
    for figure, total in (("plays", totals.plays), ("completions", totals.completions)):
        at = FIGURES.index(figure)
        assert sum(row[at] for key, row in panes.items() if key[1] == "all") == total
    watched_ms = FIGURES.index("watchMs")
    assert sum(row[watched_ms] for row in panes.values()) > 0


def test_loop_counts_what_the_load_holds_and_forwards_it_as_it_came() -> None:
    totals, panes = Totals(), Panes()
    partition = Partition(totals, panes)
    forwarded = [record for batch in in_batches(INPUT) for record in partition.take(batch)]
    assert totals == EXPECTED
    assert forwarded == RECORDS
    check_panes(panes.sums, totals)


def test_textbook_agent_counts_what_the_load_holds() -> None:
    totals = Totals()
    seen: dict[str, bool] = {}
    views: dict[str, dict[str, Any]] = defaultdict(dict)
    tables: dict[str, dict[str, int]] = defaultdict(dict)
    taken = [record for record in INPUT if takes(record.value, seen, views, tables, totals)]
    assert totals == EXPECTED
    assert taken == RECORDS
    panes: Sums = {}
    for name, sums in tables.items():
        pane_ms, _, slice_ = name.partition("|")
        dimension, _, value = slice_.partition("=")
        panes[int(pane_ms), dimension, value] = [sums.get(figure, 0) for figure in FIGURES]
    check_panes(panes, totals)


class Store(dict[str, Any]):
    """The state of a key in Quix Streams, which keeps JSON."""

    def set(self, key: str, value: Any) -> None:
        self[key] = msgspec.json.decode(msgspec.json.encode(value))


def test_quix_step_counts_what_the_load_holds() -> None:
    counting = Counting()
    states: dict[bytes, Store] = defaultdict(Store)
    taken = [record for record in INPUT if counting.takes(record.value, states[record.key])]
    assert counting.totals == EXPECTED
    assert taken == RECORDS
    assert len(RECORDS) % SPREAD_EVENTS == 0
    check_panes(counting.panes.sums, counting.totals)


def test_bytewax_steps_count_what_the_load_holds() -> None:
    totals = Totals()
    sessions: dict[str, Session] = {}
    panes: dict[str, Panes] = {}
    forwarded = []
    for batch in in_batches(INPUT):
        by_session: dict[str, list[Any]] = defaultdict(list)
        for session, item in decoded(batch):
            by_session[session].append(item)
        counted: list[tuple[str, Counted]] = []
        for session, items in by_session.items():
            logic = sessions.setdefault(session, Session(totals, None))
            found, discarded = logic.on_batch(items)
            assert discarded is RETAIN
            counted += [(session, item) for item in found]
        for value, sums in sums_of(counted):
            panes[value], _ = merged(panes.get(value), sums)
        forwarded += [message for _, (_, _, message) in counted]
    assert totals == EXPECTED
    assert sorted(message.value or b"" for message in forwarded) == sorted(
        record.value for record in RECORDS
    )
    check_panes({k: row for part in panes.values() for k, row in part.sums.items()}, totals)


def test_bytewax_session_goes_on_from_its_snapshot() -> None:
    totals = Totals()
    first, second = (item for _, item in decoded(RECORDS[:2]))
    session = Session(totals, None)
    session.on_batch([first])
    restored = Session(totals, session.snapshot())
    restored.on_batch([first, second])
    assert (totals.accepted, totals.duplicate) == (2, 1)


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (b'"event":"blink"', True),
        (b'"event":"share"', False),
        (b'"event":"share","data":{"platform":"mail"}', True),
        (b'"event":"rebuffer","data":{"duration":12.5,"currentTime":1}', False),
        (b'"event":7', False),
    ],
)
def test_known_events_need_their_fields_and_custom_ones_none(value: bytes, taken: bool) -> None:
    common = b'{"eventId":"x","sessionId":"s","timestamp":"2026-01-02T03:04:05Z",%b}'
    assert (read(common % value) is not None) == taken


def test_every_program_is_there_and_says_what_it_does_not_keep() -> None:
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS) == 4
    for program in PROGRAMS:
        assert program.not_durable
        module = __import__(program.module, fromlist=["run"])
        assert callable(module.run)
        assert str(module.__doc__).startswith(f"``python -m {program.module}``")
