import orjson
import pytest
from click.testing import CliRunner

from bench.command import bench
from bench.flow import Flow, measure_flow
from bench.load import Load, events_per_viewer_second


@pytest.fixture(scope="module")
def flow() -> Flow:
    return measure_flow(500, 120, seed=1)


def test_bytes_of_an_event_are_those_of_the_load(flow: Flow) -> None:
    events = [
        record for chunk in Load(60_000, 120.0, 1_767_322_920_000, 1).chunks() for record in chunk
    ]
    second_half = events[30_000:]
    mean = sum(len(key) + len(value) for key, value, _ in second_half) / len(second_half)
    assert flow.raw_bytes == pytest.approx(mean, abs=0.1)


def test_an_accepted_event_is_its_original_and_what_the_worker_adds(flow: Flow) -> None:
    # receivedAt, the mark of an adjusted time, and the header with the source.
    assert 50 < flow.accepted_bytes - flow.raw_bytes < 110


def test_every_topic_is_counted(flow: Flow) -> None:
    assert flow.views_bytes > 0
    assert flow.contents_bytes > 0
    assert flow.panes_bytes_per_second > 0
    # Eight bytes for the id alone.
    assert flow.state_bytes > 8
    assert flow.slices >= 9
    assert flow.merge_us > 0


def test_more_time_leaves_more_views_open(flow: Flow) -> None:
    # Nobody timed out within two minutes, so each session has left its last view open.
    assert flow.open_views_per_viewer > measure_flow(500, 60, seed=1).open_views_per_viewer > 0.5


def test_a_viewer_sends_an_event_every_few_seconds() -> None:
    assert 0.2 < events_per_viewer_second(1) < 1.0


def test_last_line_is_a_report() -> None:
    arguments = ["flow", "--events-per-second", "100", "--seconds", "60"]
    result = CliRunner().invoke(bench, arguments)
    assert result.exit_code == 0, result.output
    report = orjson.loads(result.stdout.splitlines()[-1])
    assert {"raw_bytes", "merge_us", "seed", "machine"} <= set(report)
