"""``python -m tools.scaling_page [FOLDER]``: writes the tables of docs/scaling.md.

With the folder in which ``make bench`` left its reports, the measured inputs and what follows from
them; without, what follows from the inputs on the page, after one was changed there. A test fails
where the page is out of date.
"""

import re
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.deployment import Deployment, Inputs
from models.errors import OperatorError
from tools.scaling_inputs import Measured, measured_in, table

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
VIEWERS = (10_000, 100_000, 1_000_000, 10_000_000)
MEASURED_BEGIN = "<!-- measured by make bench -->"
BEGIN = "<!-- computed by python -m tools.scaling_page -->"
END = "<!-- end -->"

_INPUT = re.compile(r"^\| `(\w+)` \| ([\d.,]+) \|", re.M)


def _size(size: float) -> str:
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{_three_digits(size)} {unit}"
    return f"{_three_digits(size / 1000)} TB"


def _three_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


ROWS: tuple[tuple[str, Callable[[Deployment], str]], ...] = (
    ("events per second", lambda d: f"{d.events_per_second:,.0f}"),
    ("workers, one to spare", lambda d: f"{d.workers:,}"),
    ("partitions", lambda d: f"{d.partitions:,}"),
    ("API processes, one to spare", lambda d: f"{d.apis:,}"),
    ("written to the brokers, per second", lambda d: _size(d.broker_in_bytes)),
    ("over all links of the brokers, per second", lambda d: _size(d.broker_all_bytes)),
    ("a day of `events.raw`, all replicas", lambda d: _size(d.raw_day_bytes)),
    ("event ids remembered", lambda d: f"{d.ids:,.0f}"),
    ("open views", lambda d: f"{d.open_views:,.0f}"),
    ("memory of a worker", lambda d: _size(d.worker_bytes)),
    ("newest checkpoints, one replica", lambda d: _size(d.state_bytes)),
    ("a worker is killed: restoring its state", lambda d: f"{d.restore_seconds:.1f} s"),
    ("a worker is killed: figures are fresh again", lambda d: f"{d.catch_up_seconds:.0f} s"),
    ("open views in one partition", lambda d: f"{d.partition_views:,.0f}"),
    ("merging the largest dimension: of one core", lambda d: f"{d.merging_cores:.1%}"),
    ("merging the largest dimension: memory", lambda d: _size(d.merging_bytes)),
)


def inputs_of(page: str) -> Inputs:
    """The figures in the page's tables of inputs."""
    return Inputs.of({name: float(value.replace(",", "")) for name, value in _INPUT.findall(page)})


def with_measured(page: str, measured: Measured) -> str:
    """The page with these inputs in place of its own.

    Raises:
        OperatorError: a figure is none to compute with.
        ValueError: the page has no place for them.
    """
    return _replaced(page, MEASURED_BEGIN, table(measured))


def written(page: str) -> str:
    """The page with what follows from its inputs.

    Raises:
        ValueError: it has no place for that.
    """
    inputs = inputs_of(page)
    deployments = [Deployment(inputs, viewers) for viewers in VIEWERS]
    lines = ["| viewers at a time | " + " | ".join(f"{v:,}" for v in VIEWERS) + " |"]
    lines.append("|---" + "|---:" * len(VIEWERS) + "|")
    lines += [
        f"| {name} | " + " | ".join(cell(deployment) for deployment in deployments) + " |"
        for name, cell in ROWS
    ]
    return _replaced(page, BEGIN, lines)


def main() -> None:
    """Write the page.

    Raises:
        SystemExit: the reports do not allow it.
    """
    parser = ArgumentParser(prog="python -m tools.scaling_page")
    parser.add_argument("folder", nargs="?", type=Path, help="of the reports of make bench")
    folder: Path | None = parser.parse_args().folder
    page = PAGE.read_text()
    try:
        if folder is not None:
            page = with_measured(page, measured_in(folder))
    except OperatorError as error:
        raise SystemExit(str(error)) from None
    PAGE.write_text(written(page))


def _replaced(page: str, begin: str, lines: Sequence[str]) -> str:
    place = re.compile(f"{re.escape(begin)}\n.*?{re.escape(END)}", re.S)
    changed, count = place.subn(lambda _: "\n".join([begin, *lines, END]), page)
    if count != 1:
        raise ValueError(f"the page has {count} places between {begin} and {END}")
    return changed


if __name__ == "__main__":
    main()
