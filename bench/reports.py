"""What a run of measurements leaves: a JSON file per step, and one Markdown file of tables."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.machine import described
from bench.step import Findings, Plan, Step

MARKDOWN = "benchmarks.md"


def report_of(
    step: Step, findings: Findings, facts: dict[str, object], plan: Plan
) -> dict[str, object]:
    """A step's report, which says where, when and how it was measured."""
    return {
        "step": step.name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(plan),
        **findings.result,
        "machine": facts,
    }


def write_report(folder: Path, report: dict[str, object]) -> None:
    """Write a step's report to a file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report['step']}.json"
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


def write_tables(
    folder: Path, done: Sequence[tuple[Step, Findings]], facts: dict[str, object]
) -> None:
    """Write all tables to one file, as docs/benchmarks.md has them."""
    lines = [f"{datetime.now(UTC):%Y-%m-%d}: {described(facts)}.", ""]
    for step, findings in done:
        lines += [f"### {step.title}", "", *markdown(findings), ""]
    packages = facts["packages"]
    if isinstance(packages, dict):
        lines += ["; ".join(f"{name} {version}" for name, version in packages.items()) + "."]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKDOWN).write_text("\n".join(lines) + "\n")


def markdown(findings: Findings) -> list[str]:
    """The lines of a step's table."""
    rows = [findings.headers, ["---"] * len(findings.headers), *findings.rows]
    return [f"| {' | '.join(row)} |" for row in rows]


def table(findings: Findings) -> str:
    """A step's table for the terminal, or for a file of any width."""
    width = None if os.isatty(1) else 160
    console = Console(width=width)
    shown = Table(box=None, pad_edge=False)
    for place, header in enumerate(findings.headers):
        shown.add_column(header, justify="left" if not place else "right", overflow="fold")
    for row in findings.rows:
        shown.add_row(*row)
    with console.capture() as captured:
        console.print(shown)
    return captured.get().rstrip("\n")
