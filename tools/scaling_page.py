"""``python -m tools.scaling_page``: writes the computed table of docs/scaling.md from its inputs.

Change a figure in the tables of inputs, then run it; a test fails where the page is out of date.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from bench.deployment import Deployment, Inputs

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
VIEWERS = (10_000, 100_000, 1_000_000, 10_000_000)
BEGIN = "<!-- computed by python -m tools.scaling_page -->"
END = "<!-- end -->"

_INPUT = re.compile(r"^\| `(\w+)` \| ([\d.,]+) \|", re.M)
_COMPUTED = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.S)


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
    table = "\n".join([BEGIN, *lines, END])
    changed, count = _COMPUTED.subn(lambda _: table, page)
    if count != 1:
        raise ValueError(f"the page has {count} places between {BEGIN} and {END}")
    return changed


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
