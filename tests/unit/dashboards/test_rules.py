"""The alert rules: what each says, that it has tests and a runbook, and that its metrics exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.documents import DOCUMENTS_URL

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "dashboards" / "prometheus"
GRAFANA = ROOT / "dashboards" / "grafana"
RUNBOOKS = ROOT / "docs" / "operations" / "alerts"
SECTIONS = ["What it means", "Confirm", "Look at", "Do", "How it ends", "False alarms"]
LINK = re.compile(
    r"\{\{ \$externalLabels\.grafana \}\}/d/(?P<uid>[\w-]+)\?viewPanel=panel-(?P<panel>\d+)(?:&|$)"
)
SHOWN_BY = {
    **dict.fromkeys(["RebufferSpike", "RebufferingSustained"], "Rebuffering"),
    "StartupSlow": "Startup time",
    **dict.fromkeys(
        ["StartFailures", "PlaybackFailures", "FailureBudgetBurn"], "Failures and exits"
    ),
    "CompletionDrop": "Completion",
    **dict.fromkeys(["SliceOutage", "SliceFailures"], "Values of $dimension"),
    "SliceRebuffering": "Rebuffer ratio by $dimension",
    "SliceStartupSlow": "Startup p95 by $dimension",
    **dict.fromkeys(["TrafficDrop", "NoData"], "Raw events by outcome"),
    "RejectedRatio": "Rejected events by rule",
    "WorkerDown": "Workers reporting",
    "WorkerRestarts": "Memory by worker",
    **dict.fromkeys(
        ["PartitionsMissing", "PartitionStuck", "LagGrowing"], "Records waiting by partition"
    ),
    "NotFresh": "Receipt to counted",
    "CheckpointStale": "Age of the checkpoints by worker",
    "LedgerImbalance": "Records unaccounted for",
    "MisroutedRecords": "Accepted with a fault",
    "CatalogueStale": "Rejected events by rule",
    "WorkerSaturation": "Processor time by worker",
    "ApiDown": "APIs reporting",
    "ApiRestarts": "Memory by API",
    "ApiErrors": "Requests by status",
    "ApiRefusedEvents": "Refused events by rule",
    "ApiRefusedRequests": "Requests answered with an error",
    "ApiSaturation": "Processor time by API",
    "ApiFeedStale": "Feeds that are current",
}
"""The panel that an alert's link leads to."""
RED_FROM = {
    "RebufferSpike": targets.REBUFFER_RATIO,
    "RebufferingSustained": targets.REBUFFERED_VIEWS,
    "StartFailures": targets.FAILURES,
    "PlaybackFailures": targets.FAILURES,
    "NotFresh": targets.FRESHNESS_SECONDS,
    "CheckpointStale": targets.CHECKPOINT_AGE_SECONDS,
    "RejectedRatio": targets.REJECTED,
    "ApiRefusedEvents": targets.REJECTED,
    "ApiErrors": targets.API_ERRORS,
}
"""The colours of the panel that show what an alert is about: red is where the alert begins."""
NOT_OURS = {"up", "process_cpu_seconds_total", "process_start_time_seconds"}
SUFFIXES = ("_bucket", "_count", "_sum")


def rules(kind: str) -> list[dict[str, Any]]:
    """All rules of a kind: ``alert`` or ``record``."""
    return [
        rule
        for path in sorted((PROMETHEUS / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if kind in rule
    ]


def promtool_tests() -> list[str]:
    """The names of all tests of rules."""
    return [
        test["name"]
        for path in sorted((PROMETHEUS / "tests").glob("*.yml"))
        for test in yaml.safe_load(path.read_text())["tests"]
    ]


def panels() -> dict[tuple[str, int], str]:
    """The titles of all panels, by dashboard and id."""
    dashboards = [json.loads(path.read_text()) for path in GRAFANA.glob("*.json")]
    return {(d["uid"], panel["id"]): panel["title"] for d in dashboards for panel in d["panels"]}


PANELS = panels()
ALERTS = {rule["alert"]: rule for rule in rules("alert")}
RECORDS = {rule["record"] for rule in rules("record")}


@pytest.mark.parametrize("name", ALERTS)
def test_alert_says_what_it_is_and_where_to_look(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["labels"]["theme"] in ("quality", "traffic", "pipeline", "api")
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert len(notes["summary"]) < 100
    link = LINK.match(notes["dashboard_url"])
    assert link is not None
    assert PANELS[link["uid"], int(link["panel"])] == SHOWN_BY[name]
    assert notes["runbook_url"] == f"{DOCUMENTS_URL}docs/operations/alerts/{name}.md"


@pytest.mark.parametrize("name", ALERTS)
def test_alert_has_a_runbook_with_every_section(name: str) -> None:
    runbook = (RUNBOOKS / f"{name}.md").read_text()
    assert runbook.startswith(f"# {name}\n")
    assert f"Severity: {ALERTS[name]['labels']['severity']}." in runbook
    assert re.findall(r"^## (.*)$", runbook, re.M) == SECTIONS
    assert f"[{name}]({name}.md)" in (RUNBOOKS / "README.md").read_text()


@pytest.mark.parametrize("name", ALERTS)
def test_alert_is_tested_to_fire_and_to_stay_silent(name: str) -> None:
    assert any(test.startswith(f"{name} fires") for test in promtool_tests())
    assert any(test.startswith(f"{name} stays silent") for test in promtool_tests())


@pytest.mark.parametrize(("name", "steps"), RED_FROM.items())
def test_alert_begins_where_the_dashboards_turn_red(name: str, steps: targets.Steps) -> None:
    limits = re.findall(r"> (?:(\d+) \* )?(\d[\d.]*)(?= |$)", ALERTS[name]["expr"])
    assert steps[-1].value in {round(float(factor or 1) * float(n), 6) for factor, n in limits}


def test_slices_are_named_by_the_alert() -> None:
    for name in ("SliceRebuffering", "SliceStartupSlow", "SliceFailures"):
        notes = ALERTS[name]["annotations"]
        for text in (notes["summary"], notes["description"], notes["dashboard_url"]):
            assert "{{ $labels.dimension }}" in text
            assert "$labels.value" in text


def test_pages_about_all_viewers_name_the_slice_that_explains_them() -> None:
    pages = {name for name, rule in ALERTS.items() if rule["labels"]["severity"] == "page"}
    quality = {name for name, rule in ALERTS.items() if rule["labels"]["theme"] == "quality"}
    for name in pages & quality - {"SliceOutage"}:
        description = ALERTS[name]["annotations"]["description"]
        (record,) = re.findall(r'query "topk\(1, ([\w:]+) > 0\.25\)"', description)
        assert record in RECORDS
        assert f"topk(5, {record})" in (RUNBOOKS / f"{name}.md").read_text()


def test_every_runbook_belongs_to_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == set(ALERTS)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_recorded_name_is_level_metric_operations(name: str) -> None:
    assert re.fullmatch(r"(all|slice|rest|partition|instance):playvitals_[a-z_]+:[a-z0-9_]+", name)


def test_every_metric_in_a_rule_or_a_runbook_exists() -> None:
    documented = set(
        re.findall(r"^\| `(playvitals_\w+)`", (ROOT / "docs" / "metrics.md").read_text(), re.M)
    )
    known = documented | NOT_OURS | RECORDS
    known |= {name + suffix for name in documented for suffix in SUFFIXES}
    texts = [rule["expr"] for rule in (*rules("alert"), *rules("record"))]
    texts += [
        query
        for path in RUNBOOKS.glob("*.md")
        for query in re.findall(r"```promql\n(.*?)```", path.read_text(), re.S)
    ]
    used = {
        name
        for text in texts
        for name in re.findall(r"(?:\w+:)?(?:playvitals|process)_\w+(?::\w+)?", _unlabelled(text))
    }
    assert used - known == set()


def _unlabelled(promql: str) -> str:
    return re.sub(r'"[^"]*"', '""', promql)
