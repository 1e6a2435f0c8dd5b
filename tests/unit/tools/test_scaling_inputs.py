"""From ``playvitals bench all``, with measurements that find what is given here, to the page."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench import comparison, scale_steps, steps
from bench.api_throughput import ApiThroughput
from bench.command import bench
from bench.comparison import Comparison
from bench.dedupe import Filled, Restored
from bench.deployment import Inputs
from bench.flow import Flow
from bench.memory import Memory
from bench.restart import Restart
from bench.scaling import Reached, Scaling
from bench.totals import Totals
from bench.worker_throughput import Throughput
from models.errors import OperatorError
from tools.scaling_inputs import INPUTS, measured_in
from tools.scaling_page import PAGE, inputs_of, with_measured, written

CHOSEN = {
    *("utilisation", "average_share", "replicas", "session_timeout_seconds", "values", "slices"),
}
FLOW = Flow(0.4641, 9.258, 298.1, 369.1, 126.1, 8.1, 93.7, 4988.4, 26, 16.81)
WORKER = Throughput(9, 120.0, 43_489.0, 36_905.0, 22.84, 279.0, 1_421.0, 0.0, Totals())
SCALING = Scaling(
    one=Reached(1, 10.0, 64_389.0, 15.5, 2.4, 1.0),
    two=Reached(2, 10.0, 111_759.0, 14.9, 2.8, 0.53),
    by_wall_clock=1.736,
    limit_here=1.742,
    by_cpu=1.957,
)
API = ApiThroughput(10, 83_006.0, 9.213, 0.76, 0.9, 7.7, 10.4, 0)
FILLED = Filled(20_000_000, 22_000_000, 9.7, 10.28, 0.5, 0.4, 12.0)
RESTORED = Restored(10_000_000, 8_640, 1.6, 11.4)
MEMORY = Memory(per_view=1_991.0, per_content=317.0, per_slice=1_497.2)
NEEDED = {row.step for row in INPUTS}


def restart(viewers: int, ready_seconds: float) -> Restart:
    """A worker of 138 MiB, with 2,048 bytes for a view and 256 of it in checkpoints."""
    return Restart(
        viewers=viewers,
        stored_mib=viewers / 4_096,
        resident_mib=138 + viewers / 512,
        ready_seconds=ready_seconds,
        restore_seconds=0.1,
        restored_events_per_second=1.0,
        longest_pause_ms=1.0,
    )


def finds(value: object) -> Callable[..., Any]:
    async def measure(*_: object) -> object:
        return value

    return measure


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that ``playvitals bench all`` leaves of the steps that the page needs."""

    async def restarted(viewers: int, port: int) -> Restart:
        return restart(viewers, 4.0 + viewers / 250_000)

    monkeypatch.setattr(comparison, "require_installed", lambda: None)
    monkeypatch.setattr(steps, "measure_comparison", finds(Comparison(WORKER, {})))
    monkeypatch.setattr(steps, "measure_api_levels", finds({"batches_of_10": API}))
    monkeypatch.setattr(steps, "measure_restart", restarted)
    monkeypatch.setattr(scale_steps, "measure_scaling", finds(SCALING))
    monkeypatch.setattr(scale_steps, "measure_memory", lambda *_: MEMORY)
    monkeypatch.setattr(scale_steps, "measure_filling", lambda *_: FILLED)
    monkeypatch.setattr(scale_steps, "measure_restore", lambda *_: RESTORED)
    monkeypatch.setattr(scale_steps, "measure_flow", lambda *_: FLOW)
    folder = tmp_path / "reports"
    chosen = [argument for step in NEEDED for argument in ("--only", step)]
    result = CliRunner().invoke(bench, ["all", *chosen, "--output", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_every_input_that_is_not_chosen_comes_from_a_step_of_make_bench() -> None:
    assert {row.name for row in INPUTS} == {field.name for field in fields(Inputs)} - CHOSEN
    assert {step.name for step in steps.STEPS} >= NEEDED


def test_the_page_takes_its_inputs_from_the_reports(reports: Path) -> None:
    page = written(with_measured(PAGE.read_text(), measured_in(reports)))
    found = inputs_of(page)
    assert found.events_per_viewer_second == 0.464
    assert found.open_views_per_viewer == 9.26
    assert (found.raw_bytes, found.written_bytes) == (298, 597)
    assert found.panes_bytes_per_second == 4_990
    assert (found.worker_us, found.api_us, found.merge_us) == (22.8, 9.21, 16.8)
    assert found.second_worker == 1.96
    assert (found.base_mib, found.view_bytes, found.stored_view_bytes) == (138, 2_050, 256)
    assert (found.id_bytes, found.slice_bytes) == (10.3, 1_500)
    assert found.restored_views_per_second == 250_000
    assert found.restored_ids_per_second == 6_250_000
    assert "`events.accepted` 369, `views` 126, `contents` 8, `state` 94 | `flow` |" in page


def test_second_worker_adds_no_more_than_the_first_does(reports: Path) -> None:
    change(reports / "scaling.json", by_cpu=2.04)
    page = written(with_measured(PAGE.read_text(), measured_in(reports)))
    assert inputs_of(page).second_worker == 2.0


def test_the_rest_of_the_page_stays(reports: Path) -> None:
    page = PAGE.read_text()
    changed = with_measured(page, measured_in(reports)).splitlines()
    names = [row.name for row in INPUTS]
    assert [
        line for line in changed if not line.startswith(tuple(f"| `{n}` |" for n in names))
    ] == [
        line
        for line in page.splitlines()
        if not line.startswith(tuple(f"| `{n}` |" for n in names))
    ]
    now, before = inputs_of("\n".join(changed)), inputs_of(page)
    assert all(getattr(now, name) == getattr(before, name) for name in CHOSEN)


@pytest.mark.parametrize("step", sorted(NEEDED))
def test_a_missing_report_is_named_with_the_step_that_makes_it(reports: Path, step: str) -> None:
    (reports / f"{step}.json").unlink()
    with pytest.raises(OperatorError, match=rf"{step}\.json is missing: .* --only {step} "):
        measured_in(reports)


def test_reports_of_different_machines_are_not_mixed(reports: Path) -> None:
    path = reports / "flow.json"
    machine = json.loads(path.read_text())["machine"]
    change(path, machine=machine | {"packages": {}})
    assert measured_in(reports).flow == FLOW
    change(path, machine=machine | {"cores": 96})
    with pytest.raises(OperatorError, match="different machines"):
        measured_in(reports)


def test_a_report_of_another_shape_is_refused(reports: Path) -> None:
    change(reports / "memory.json", per_slice="much")
    with pytest.raises(OperatorError, match=r"Memory: .*per_slice"):
        measured_in(reports)


@pytest.mark.parametrize("more_seconds", [0.0, -0.2])
def test_a_larger_state_that_was_ready_no_later_is_no_figure(
    reports: Path, more_seconds: float
) -> None:
    large = json.loads((reports / "recovery.json").read_text())["views_300000"]
    small_seconds = 4.0 + 100_000 / 250_000
    large["ready_seconds"] = small_seconds + more_seconds
    change(reports / "recovery.json", views_300000=large)
    with pytest.raises(OperatorError, match=r"restored_views_per_second .* step recovery again"):
        with_measured(PAGE.read_text(), measured_in(reports))
