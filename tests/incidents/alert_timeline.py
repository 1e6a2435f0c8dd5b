"""Which alerts fire when: the shipped rules over given samples, evaluated by promtool."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from prometheus_client.samples import Sample

RULES = Path(__file__).parents[2] / "dashboards" / "prometheus" / "rules"
STEP_SECONDS = 5
_FOUND = re.compile(r"time: (\w+),\s+exp:\s*nil\s+got:(.*?)(?=expr:|\Z)", re.S)
_METRIC = re.compile(r"\b(?:playvitals|process)_\w+")

Alert = tuple[str, str]
"""The name and, of an alert about a slice, ``dimension=value``."""


class AlertTimeline:
    """The seconds at which alerts fired, of a story that begins at 0."""

    def __init__(self, firing: Mapping[int, set[Alert]]) -> None:
        self._firing = firing

    def names(self) -> set[str]:
        """The names of all alerts that fired."""
        return {name for alerts in self._firing.values() for name, _ in alerts}

    def slices(self, name: str) -> set[str]:
        """The slices that an alert was about."""
        return {about for alerts in self._firing.values() for n, about in alerts if n == name}

    def span(self, name: str) -> tuple[int, int]:
        """The first and the last second at which it fired."""
        seconds = [s for s, alerts in self._firing.items() if any(n == name for n, _ in alerts)]
        return min(seconds), max(seconds)


def alert_timeline(scrapes: Iterable[list[Sample]], folder: Path) -> AlertTimeline:
    """Evaluate the shipped rules over scrapes that are 5 s apart."""
    used = set(_METRIC.findall("".join(p.read_text() for p in RULES.glob("*.yml"))))
    series: dict[str, dict[int, float]] = defaultdict(dict)
    steps = 0
    for step, samples in enumerate(scrapes, start=1):
        steps = step
        for sample in samples:
            if sample.name in used:
                labels = sample.labels | {"job": "playvitals-worker", "instance": "w"}
                series[_selector(sample.name, labels)][step] = sample.value
    for job in ("worker", "api"):
        labels = {"job": f"playvitals-{job}", "instance": job}
        series[_selector("up", labels)] = dict.fromkeys(range(1, steps + 1), 1)
    ends = range(STEP_SECONDS, (steps + 1) * STEP_SECONDS, STEP_SECONDS)
    test = {
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yml"))],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "group_eval_order": _groups(),
        "tests": [
            {
                "interval": f"{STEP_SECONDS}s",
                "input_series": [
                    {"series": name, "values": _values(values, steps)}
                    for name, values in series.items()
                ],
                # promtool says of each moment what it found instead of nothing.
                "promql_expr_test": [
                    {
                        "expr": 'ALERTS{alertstate="firing"}',
                        "eval_time": f"{end}s",
                        "exp_samples": [],
                    }
                    for end in ends
                ],
            }
        ],
    }
    path = folder / "story.yml"
    path.write_text(json.dumps(test))
    done = subprocess.run(  # noqa: S603 - a program and a file of our own
        ["promtool", "test", "rules", str(path)],  # noqa: S607 - wherever it is installed
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return AlertTimeline(_firing(done.stdout + done.stderr))


def _groups() -> list[str]:
    """All groups, those that record first: by chance the order would be another each time."""
    names = [
        group["name"]
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    return sorted(names, key=lambda name: not name.endswith("-records"))


def _selector(name: str, labels: Mapping[str, str]) -> str:
    return name + "{" + ", ".join(f"{k}={json.dumps(v)}" for k, v in labels.items()) + "}"


def _values(values: Mapping[int, float], steps: int) -> str:
    """In promtool's notation; a series that ends does so with a stale marker, as in a scrape."""
    words = ["_"]
    for step in range(1, steps + 1):
        if step in values:
            words.append(repr(float(values[step])))
        else:
            words.append("stale" if step - 1 in values else "_")
    return " ".join(words)


def _firing(output: str) -> dict[int, set[Alert]]:
    firing: dict[int, set[Alert]] = {}
    for seconds, got in _FOUND.findall(output):
        found = set()
        for labels in re.findall(r"\{[^}]*\}", got):
            known = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            about = f"{known['dimension']}={known['value']}" if "dimension" in known else ""
            found.add((known["alertname"], about))
        firing[_seconds(seconds)] = found
    return firing


def _seconds(duration: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)(h|m|s)", duration))
