"""The measured inputs of ``docs/scaling.md``, from the reports that ``make bench`` leaves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.api_throughput import ApiThroughput
from bench.dedupe import Filled, Restored
from bench.flow import Flow
from bench.memory import Memory
from bench.restart import Restart
from bench.scaling import Scaling
from bench.worker_throughput import Throughput
from models.errors import OperatorError

_MIB = 2**20
_MACHINE = ("cpu", "cores", "memory_gib")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the steps found; of ``recovery`` the smallest and the largest number of views."""

    flow: Flow
    worker: Throughput
    scaling: Scaling
    api: ApiThroughput
    few: Restart
    many: Restart
    filled: Filled
    restored: Restored
    memory: Memory

    @property
    def view_bytes(self) -> float:
        """Resident, of one more open view."""
        return _slope(self.few, self.many, lambda restart: restart.resident_mib * _MIB)

    @property
    def base_mib(self) -> float:
        """Resident, without a view."""
        return self.few.resident_mib - self.few.viewers * self.view_bytes / _MIB


@dataclass(frozen=True, slots=True)
class MeasuredInput:
    """One input. Its meaning is a format, which may name figures of ``flow``."""

    name: str
    value: Callable[[Measured], float]
    meaning: str
    step: str
    how: str = ""
    """How it follows from what the step found, where that is not one figure."""


_TWO_SIZES = ", of two sizes"
INPUTS = (
    MeasuredInput(
        "events_per_viewer_second",
        lambda m: m.flow.events_per_viewer_second,
        "events per second of a viewer who watches",
        "flow",
    ),
    MeasuredInput(
        "open_views_per_viewer",
        lambda m: m.flow.open_views_per_viewer,
        "open views per viewer who watches: one is on, those that were left without a word wait "
        "for their time-out",
        "flow",
    ),
    MeasuredInput(
        "raw_bytes", lambda m: m.flow.raw_bytes, "bytes of an event in `events.raw`", "flow"
    ),
    MeasuredInput(
        "written_bytes",
        lambda m: m.flow.written_bytes,
        "bytes that a worker writes per event: `events.accepted` {flow.accepted_bytes:.0f}, "
        "`views` {flow.views_bytes:.0f}, `contents` {flow.contents_bytes:.0f}, "
        "`state` {flow.state_bytes:.0f}",
        "flow",
    ),
    MeasuredInput(
        "panes_bytes_per_second",
        lambda m: m.flow.panes_bytes_per_second,
        "bytes of `panes` per partition and second",
        "flow",
    ),
    MeasuredInput(
        "merge_us",
        lambda m: m.flow.merge_us,
        "µs to merge one value of one partition into the windows",
        "flow",
    ),
    MeasuredInput(
        "worker_us",
        lambda m: m.worker.cpu_us_per_event,
        "µs of a worker's core per event, checkpoints included",
        "peers",
        ", our worker",
    ),
    MeasuredInput(
        "second_worker",
        # More than twice is what a noisy machine says.
        lambda m: min(m.scaling.by_cpu, 2.0),
        "what two workers do, a core each, in terms of one, at most 2",
        "scaling",
    ),
    MeasuredInput(
        "api_us",
        lambda m: m.api.cpu_us_per_event,
        "µs of an API's core per event, in batches of 10",
        "api",
    ),
    MeasuredInput(
        "base_mib",
        lambda m: m.base_mib,
        "MiB of a worker that holds nothing",
        "recovery",
        _TWO_SIZES,
    ),
    MeasuredInput(
        "id_bytes",
        lambda m: m.filled.peak_bytes_per_id,
        "bytes of a remembered event id, at the peak",
        "dedupe",
    ),
    MeasuredInput(
        "view_bytes",
        lambda m: m.view_bytes,
        "bytes of an open view with its viewer",
        "recovery",
        _TWO_SIZES,
    ),
    MeasuredInput(
        "slice_bytes",
        lambda m: m.memory.per_slice,
        "bytes of a value of a dimension in a pane",
        "memory",
    ),
    MeasuredInput(
        "stored_view_bytes",
        lambda m: m.many.stored_mib * _MIB / m.many.viewers,
        "bytes of an open view in a checkpoint",
        "recovery",
        ": checkpoints / viewers",
    ),
    MeasuredInput(
        "restored_views_per_second",
        lambda m: 1 / _slope(m.few, m.many, lambda restart: restart.ready_seconds),
        "views restored per second by one worker",
        "recovery",
        f"{_TWO_SIZES}: more viewers / more seconds to ready",
    ),
    MeasuredInput(
        "restored_ids_per_second",
        lambda m: m.restored.restored_ids / m.restored.restore_seconds,
        "ids restored per second by one worker",
        "dedupe",
        ": `restored_ids` / `restore_seconds`",
    ),
)


def measured_in(folder: Path) -> Measured:
    """What is in the reports of a folder.

    Raises:
        OperatorError: one is missing or of another shape, or they are of different machines.
    """
    reports = {step: _report(folder, step) for step in dict.fromkeys(row.step for row in INPUTS)}
    machines = {tuple(report["machine"][fact] for fact in _MACHINE) for report in reports.values()}
    if len(machines) > 1:
        raise OperatorError(f"the reports in {folder} are of different machines")
    restarts = sorted(
        (
            _found(value, Restart)
            for name, value in reports["recovery"].items()
            if name.startswith("views_")
        ),
        key=lambda restart: restart.viewers,
    )
    if len(restarts) < 2:
        raise OperatorError(f"{folder / 'recovery.json'} has fewer than two sizes")
    return Measured(
        flow=_found(reports["flow"], Flow),
        worker=_found(reports["peers"].get("worker"), Throughput),
        scaling=_found(reports["scaling"], Scaling),
        api=_found(reports["api"].get("batches_of_10"), ApiThroughput),
        few=restarts[0],
        many=restarts[-1],
        filled=_found(reports["dedupe"], Filled),
        restored=_found(reports["dedupe"], Restored),
        memory=_found(reports["memory"], Memory),
    )


def table(measured: Measured) -> list[str]:
    """The lines of the table of measured inputs, each figure with three digits.

    Raises:
        OperatorError: a figure is none to compute with.
    """
    lines = ["| input | value | what it is | step |", "|---|---:|---|---|"]
    for row in INPUTS:
        meaning = row.meaning.format(flow=measured.flow)
        figure = _three_digits(_value(row, measured))
        lines.append(f"| `{row.name}` | {figure} | {meaning} | `{row.step}`{row.how} |")
    return lines


def _value(row: MeasuredInput, measured: Measured) -> float:
    try:
        value = row.value(measured)
    except ZeroDivisionError:
        value = 0.0
    if value <= 0:
        raise OperatorError(
            f"{row.name} comes out as {value:.3g}: measure the step {row.step} again, with nothing "
            "else at work"
        )
    return value


def _three_digits(value: float) -> str:
    """Large numbers in full."""
    return f"{float(f'{value:.3g}'):.12g}"


def _slope(few: Restart, many: Restart, figure: Callable[[Restart], float]) -> float:
    """By how much a figure grows with one more viewer."""
    return (figure(many) - figure(few)) / (many.viewers - few.viewers)


def _report(folder: Path, step: str) -> dict[str, Any]:
    path = folder / f"{step}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise OperatorError(
            f"{path} is missing: .venv-bench/bin/playvitals bench all --only {step} "
            f"--output {folder}"
        ) from None
    return found


def _found(part: object, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(part, kind)
    except msgspec.ValidationError as error:
        raise OperatorError(f"no report of this version: {kind.__name__}: {error}") from None
