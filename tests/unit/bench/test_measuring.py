import threading

import msgspec
import pytest

from bench.comparison import HEADERS, Comparison, require_installed, rows
from bench.load import Load
from bench.peer_process import Peer
from bench.peers.meter import Meter
from bench.peers.programs import PROGRAMS, Program
from bench.totals import Tally, Totals, require_equal, totals_of, totals_of_metrics
from bench.worker_throughput import Throughput
from models.errors import OperatorError

END_MS = 1_767_323_045_000


def comparison(*names: str) -> Comparison:
    worker = Throughput(1000, 10.0, 60_000.0, 50_000.0, 16.0, 45.0, 200.0, 0.0, Totals())
    return Comparison(worker, {name: Peer(1000, 10.0, 6_000.0, 160.0, 300.0) for name in names})


def test_totals_of_a_load_are_those_of_its_events_one_by_one() -> None:
    load = Load(20_000, 120, END_MS)
    events = [msgspec.json.decode(value) for chunk in load.chunks() for _, value, _ in chunk]
    stalls = [event["data"]["duration"] for event in events if event["event"] == "rebuffer"]
    tally = Tally()
    assert sum(map(len, tally.watch(load.chunks()))) == 20_000
    assert tally.totals == totals_of(record for chunk in load.chunks() for record in chunk)
    assert (tally.totals.accepted, tally.totals.duplicate) == (20_000, 0)
    assert (tally.totals.rebuffers, tally.totals.rebuffer_ms) == (len(stalls), sum(stalls))
    for name, found in (
        ("playStart", tally.totals.plays),
        ("completion", tally.totals.completions),
    ):
        views = {(e["sessionId"], e["contentId"]) for e in events if e["event"] == name}
        assert found == len(views) > 0


def test_other_totals_are_no_comparison() -> None:
    with pytest.raises(OperatorError, match="no comparison"):
        require_equal("it", Totals(accepted=1), Totals(accepted=2))


def test_refused_events_of_a_worker_are_none_that_it_accepted() -> None:
    metrics = {
        "playvitals_events_total": 100.0,
        "playvitals_events_total/accepted": 90.0,
        "playvitals_events_total/duplicate": 7.0,
        "playvitals_events_total/rejected": 3.0,
        "playvitals_plays_total": 5.0,
        "playvitals_completions_total": 4.0,
        "playvitals_rebuffers_total": 3.0,
        "playvitals_rebuffer_seconds_total": 1.25,
    }
    assert totals_of_metrics(metrics) == Totals(90, 7, 5, 4, 3, 1250)


def test_meter_reports_once_everything_is_counted() -> None:
    totals, done = Totals(), threading.Event()
    meter = Meter(totals, 30, done.set, warm_up_seconds=30.0)
    meter.start()
    totals.accepted = 10
    assert not done.wait(0.1)
    totals.accepted, totals.duplicate, totals.plays = 25, 5, 3
    assert done.wait(10.0)
    report = meter.report()
    assert (report["accepted"], report["duplicate"], report["plays"]) == (25, 5, 3)
    assert report["events_per_second"] == pytest.approx(20 / report["seconds"], rel=0.2)
    assert report["peak_resident_mib"] > 10


def test_every_program_has_a_row_with_its_ratios() -> None:
    found = rows(comparison(*(program.name for program in PROGRAMS)))
    assert [len(row) for row in found] == [len(HEADERS)] * 5
    assert found[1] == (
        *("textbook Faust", "10", "6,000", "160.0", "300", "10.00", "10.00"),
        PROGRAMS[0].not_durable,
    )


def test_a_peer_without_a_release_for_this_python_keeps_its_row() -> None:
    found = rows(comparison("plain_faust", "quix_streams", "aiokafka_loop"))
    assert found[3][:3] == ("Bytewax, no recovery store", "", "no release for this Python")
    assert [len(row) for row in found] == [len(HEADERS)] * 5


def test_missing_frameworks_are_named_with_what_installs_them() -> None:
    quix = Program("quix", "Quix", "bench.peers.quix", "no_such_package", 1, "-")
    assert not quix.installed
    with pytest.raises(OperatorError, match=r"no_such_package.*tools/setup bench"):
        require_installed((PROGRAMS[0], quix))
    require_installed((PROGRAMS[0],))


def test_what_has_no_release_for_this_python_may_be_missing() -> None:
    old = Program("old", "Old", "bench.peers.quix", "no_such_package", 1, "-", (3, 11))
    assert not old.released
    require_installed((old,))
