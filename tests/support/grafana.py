"""The dashboards as Grafana sees them: the panels, queries and variables of the JSON files."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

FOLDER = Path(__file__).parents[2] / "dashboards" / "grafana"
FILES = sorted(FOLDER.glob("*.json"))

BUILT_IN = {"__rate_interval", "__url_time_range"}
"""Variables that Grafana itself has."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@dataclass(frozen=True)
class PanelQuery:
    """One query of a panel, as it stands in the file."""

    panel: str
    promql: str
    instant: bool

    def with_values(self, values: Mapping[str, str]) -> str:
        """The query as Grafana sends it."""
        return Template(self.promql).substitute(values)


class Dashboard:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.json: dict[str, Any] = json.loads(path.read_text())

    @property
    def uid(self) -> str:
        """What links name it by."""
        return str(self.json["uid"])

    @property
    def panels(self) -> list[dict[str, Any]]:
        """The panels, without the rows' titles."""
        return [panel for panel in self.json["panels"] if panel["type"] != "row"]

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """What can be chosen, by its name."""
        return {found["name"]: found for found in self.json["templating"]["list"]}

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """What is marked on the charts."""
        found: list[dict[str, Any]] = self.json["annotations"]["list"]
        return found

    @property
    def queries(self) -> list[PanelQuery]:
        """Every query of every panel."""
        return [
            PanelQuery(f"{self.uid} / {panel['title']}", target["expr"], target["instant"])
            for panel in self.panels
            for target in panel["targets"]
        ]

    @property
    def urls(self) -> set[str]:
        """Where its links lead, in whatever part of it they are."""
        return {found for key, found in _leaves(self.json) if key == "url"}


def all_dashboards() -> dict[str, Dashboard]:
    """Every dashboard of the project by its uid."""
    return {dashboard.uid: dashboard for dashboard in map(Dashboard, FILES)}


def variables_in(text: str) -> set[str]:
    """The names of the variables that a query or an address uses."""
    return {braced or bare for braced, bare in _VARIABLE.findall(text)}


def label_query(promql: str) -> tuple[str, str]:
    """The selector and the label of a variable's ``label_values(selector, label)``."""
    found = re.fullmatch(r"label_values\((.+), *(\w+)\)", promql)
    assert found is not None, promql
    return found[1], found[2]


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str):
        yield key, value
