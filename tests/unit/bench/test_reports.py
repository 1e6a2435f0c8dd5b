import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import steps
from bench.command import bench
from bench.machine import described, machine
from bench.step import Findings, Plan, Say, Step


async def measured(plan: Plan, say: Say) -> Findings:
    say("something")
    result: dict[str, object] = {"events": plan.seed * 10, "took": plan.sustained_seconds}
    return Findings(result, ("a", "b"), [("x", "1"), ("y", "2")])


async def broken(plan: Plan, say: Say) -> Findings:
    raise RuntimeError("the broker ended")


@pytest.fixture
def _steps(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (Step("one", "The first", measured), Step("two", "The second", measured))
    monkeypatch.setattr(steps, "STEPS", (*found, Step("three", "The third", broken)))


@pytest.mark.usefixtures("_steps")
def test_chosen_steps_leave_a_report_each_and_one_file_of_tables(tmp_path: Path) -> None:
    command = ["all", "--seconds", "3", "--seed", "7", "--only", "one", "--only", "two"]
    result = CliRunner().invoke(bench, [*command, "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    last = json.loads(result.stdout.splitlines()[-1])
    assert list(last) == ["one", "two"]
    assert (last["one"]["events"], last["one"]["took"], last["one"]["seed"]) == (70, 3.0, 7)
    assert last["two"]["machine"]["cores"] == machine()["cores"]
    assert json.loads((tmp_path / "out" / "two.json").read_text()) == last["two"]
    tables = (tmp_path / "out" / "benchmarks.md").read_text()
    assert "### The first\n\n| a | b |\n| --- | --- |\n| x | 1 |\n| y | 2 |\n" in tables
    assert described(machine()) in tables


@pytest.mark.usefixtures("_steps")
def test_steps_before_one_that_fails_are_kept(tmp_path: Path) -> None:
    result = CliRunner().invoke(bench, ["all", "--output", str(tmp_path)])
    assert result.exit_code != 0
    assert {path.name for path in tmp_path.iterdir()} == {"one.json", "two.json", "benchmarks.md"}


def test_an_unknown_step_is_refused_with_those_that_there_are() -> None:
    result = CliRunner().invoke(bench, ["all", "--only", "thrice"])
    assert result.exit_code == 2
    assert "peers, api, recovery" in result.output


def test_machine_tells_what_figures_depend_on() -> None:
    facts = machine()
    assert {"cpu", "cores", "memory_gib", "python", "broker"} <= facts.keys()
    packages = facts["packages"]
    assert isinstance(packages, dict)
    assert "faust-streaming" in packages
