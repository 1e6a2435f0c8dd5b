import json

import pytest
from click.testing import CliRunner

from bench import sustained, worker_throughput
from bench.command import bench
from bench.totals import Totals
from bench.worker_throughput import Throughput


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float | None]]:
    """What the worker was measured with; it does 100,000 events/s."""
    found: list[tuple[int, float | None]] = []

    async def measured(
        events: int,
        seed: int,
        port: int,
        fold_records: int = 1000,
        checkpoint_seconds: int = 10,
        steady_seconds: float | None = None,
    ) -> Throughput:
        found.append((events, steady_seconds))
        seconds = min(events / 100_000, steady_seconds or 600.0)
        totals = Totals(accepted=events)
        return Throughput(events, seconds, 100_000.0, 90_000.0, 9.5, 45.0, 300.0, 0.0, totals)

    monkeypatch.setattr(worker_throughput, "measure_worker", measured)
    monkeypatch.setattr(sustained, "measure_worker", measured)
    return found


def test_last_line_is_json_with_all_that_was_counted(
    asked: list[tuple[int, float | None]],
) -> None:
    result = CliRunner().invoke(bench, ["--events", "200000"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["worker_events_per_second"] == 100_000.0
    assert report["longest_pause_ms"] == 45.0
    assert "45 ms the longest pause" in result.stdout
    assert report["totals"]["accepted"] == 200_000
    assert asked == [(200_000, None)]


def test_sustained_measurement_has_load_for_all_of_its_time(
    asked: list[tuple[int, float | None]],
) -> None:
    result = CliRunner().invoke(bench, ["--sustained-seconds", "120"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["seconds"] == 120.0
    first, second = asked
    assert first[1] == second[1] == 120.0
    assert first[0] < 100_000 * 120 < second[0]
