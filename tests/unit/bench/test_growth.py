from collections import Counter

import msgspec
import orjson
import pytest
from click.testing import CliRunner

from bench.aggregates import Comparison, measure_contents, measure_windows
from bench.command import bench
from bench.crowd import GAP_MS, START_MS, Crowd
from bench.growth import CASES, Case, Size, measure_growth
from bench.partition import BenchPartition
from models.validation import read_event
from models.verdicts import CheckedEvent


def test_a_crowd_sends_valid_events_of_all_its_viewers_in_turn() -> None:
    crowd = Crowd(sessions=50, contents=7, values=4)
    records = [record for chunk in crowd.opening() for record in chunk] + crowd.events(250)
    assert [record.offset for record in records] == list(range(350))
    seen = Counter[str]()
    for record in records:
        checked = read_event(record.value, record.timestamp)
        assert isinstance(checked, CheckedEvent), checked
        assert checked.event.session_id == record.key.decode()
        seen[record.key.decode()] += 1
    assert set(seen.values()) == {7}
    assert records[-1].timestamp == START_MS + 349 * GAP_MS // 50


def test_a_crowd_has_as_many_contents_and_values_as_it_is_told() -> None:
    crowd = Crowd(sessions=400, contents=7, values=4)
    opened = [record for chunk in crowd.opening() for record in chunk]
    events = [msgspec.json.decode(record.value) for record in opened]
    assert len({event["contentId"] for event in events}) == 7
    for name in ("platform", "country", "networkType", "cdn", "appVersion"):
        assert len({event[name] for event in events}) == 4


def test_a_partition_opens_a_view_per_viewer_and_publishes_each_second() -> None:
    crowd = Crowd(sessions=1_000, contents=10, values=2)
    partition = BenchPartition()
    for records in crowd.opening():
        partition.take_in(records)
    assert partition.owned.state.views.open_views == 1_000
    # A thousand viewers send as many events in three seconds.
    spent = partition.take_in(crowd.events(4_000))
    assert spent.publications == 4
    assert spent.apply_seconds > 0
    assert spent.publish_seconds > 0
    assert partition.owned.state.accepted == 6_000
    assert partition.owned.ledger_imbalance() == 0


def test_a_gap_in_the_records_gives_no_figures() -> None:
    crowd = Crowd(sessions=10, contents=10, values=2)
    partition = BenchPartition()
    partition.take_in(crowd.events(10))
    crowd.events(1)
    with pytest.raises(AssertionError, match="gap"):
        partition.take_in(crowd.events(10))


def test_a_case_is_scaled_only_where_its_sides_differ() -> None:
    case = CASES["sessions"].scaled(0.1)
    assert case == Case(Size(sessions=10_000), Size(sessions=100_000))
    assert case.label("sessions") == "sessions 10,000 to 100,000"
    assert CASES["contents"].scaled(0.0001).large.contents == 1_000


def test_growth_measures_both_sides_of_a_case() -> None:
    case = Case(Size(sessions=100, contents=2), Size(sessions=100, contents=100))
    grown = measure_growth(case, 2_000, rounds=2)
    assert 0 < grown.small.gains_per_event < grown.large.gains_per_event <= 1.1
    assert 0.2 < grown.ratio < 5
    assert 0 < grown.small.take_in_us < 1_000


def test_remembered_ids_are_loaded() -> None:
    grown = measure_growth(Case(Size(sessions=10), Size(sessions=10, ids=1_000_003)), 1_000, 1)
    assert grown.large.take_in_us > 0


def test_more_slices_and_more_contents_cost_more() -> None:
    windows = measure_windows(2, 100)
    assert windows["windows, more slices"].ratio > 2
    assert windows["windows, more slices"].times > 2
    contents = measure_contents(3, 100)
    assert contents["contents, 10 times the contents"].ratio > 3


def test_a_ratio_is_that_of_the_large_side() -> None:
    assert Comparison(2.0, 3.0, 10).ratio == 1.5


def test_last_line_is_a_report_of_every_case() -> None:
    arguments = ["growth", "--share", "0.001", "--rounds", "1", "--events", "4000"]
    result = CliRunner().invoke(bench, arguments)
    assert result.exit_code == 0, result.output
    report = orjson.loads(result.stdout.splitlines()[-1])
    assert report["ids"]["holds"] == "ids 0 to 20,000"
    assert {*CASES, "windows, more slices", "machine"} <= set(report)
