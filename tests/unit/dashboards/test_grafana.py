"""The Grafana dashboards: what every panel has, and that names and links lead somewhere."""

import json
import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as Model

from dashboards.grafana.generator.documents import DOCUMENTS_URL, RUNBOOKS
from dashboards.grafana.generator.quality_where import RANKINGS
from dashboards.grafana.generator.writing import DASHBOARDS, FOLDER, rendered, write_all
from tests.support.grafana import BUILT_IN, FILES, Dashboard, all_dashboards, variables_in

ROOT = Path(__file__).parents[3]
GRID_WIDTH = 24
PANELS = [
    pytest.param(panel, id=f"{dashboard.uid}/{panel['title']}")
    for dashboard in all_dashboards().values()
    for panel in dashboard.panels
]
ANNOTATION_TEXTS = {"titleFormat", "textFormat", "tagKeys"}
"""What Grafana reads of an annotation and the SDK's model does not have."""


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def dashboard(request: pytest.FixtureRequest) -> Dashboard:
    return Dashboard(request.param)


def steps(panel: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return found


def anchors(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_files_are_what_the_code_writes(tmp_path: Path) -> None:
    written = {path.name: path.read_text() for path in write_all(tmp_path)}
    assert written == {path.name: path.read_text() for path in FOLDER.glob("*.json")}, (
        "run make dashboards"
    )


def test_writing_twice_gives_the_same() -> None:
    for build in DASHBOARDS.values():
        assert rendered(build()) == rendered(build())


def test_each_has_the_uid_that_alerts_link_to_and_no_id_of_one_grafana() -> None:
    assert {path.name: Dashboard(path).uid for path in FILES} == {
        "quality.json": "playvitals-quality",
        "breakdown.json": "playvitals-breakdown",
        "pipeline.json": "playvitals-pipeline",
        "api.json": "playvitals-api",
    }
    assert all(Dashboard(path).json.get("id") is None for path in FILES)


def test_grafanas_own_schema_reads_and_writes_it_unchanged(dashboard: Dashboard) -> None:
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Model.from_json(dashboard.json)))
    for annotation in dashboard.annotations:
        for name in ANNOTATION_TEXTS:
            del annotation[name]
    assert read == dashboard.json


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_says_what_it_shows_and_what_is_good(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["title"]
    assert defaults["unit"]
    assert defaults["noValue"]
    text, _, definition = panel["description"].partition("\n\n")
    assert len(text) > 40
    assert re.fullmatch(r"\[Definition\]\(https://\S+#[\w-]+\)", definition)
    values = [step["value"] for step in steps(panel)]
    assert values[0] is None
    assert values[1:] == sorted(set(values[1:]))
    if len(values) > 1:
        assert re.search(r"Good: |Target|Promised|Always 0|Failures: good", text), text


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_asks_the_chosen_prometheus_and_names_its_series(
    panel: dict[str, Any],
) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    targets = panel["targets"]
    assert len({target["refId"] for target in targets}) == len(targets) > 0
    # What is shown as of now must not be the last value of a series that has ended.
    assert {target["instant"] for target in targets} == {panel["type"] in ("stat", "table")}
    if panel["type"] == "timeseries":
        legends = [target["legendFormat"] for target in targets]
        assert all(legends)
        assert len(set(legends)) == len(legends)


@pytest.mark.parametrize(
    ("title", "look"),
    [
        ("Startup p50", 0.5),
        ("Startup p95", 2),
        ("Rebuffered views", 0.02),
        ("Mean stall", 1),
    ],
)
def test_the_colours_change_at_the_targets(title: str, look: float) -> None:
    (panel,) = [
        panel for panel in all_dashboards()["playvitals-quality"].panels if panel["title"] == title
    ]
    assert [step["color"] for step in steps(panel)] == ["green", "orange", "red"]
    assert steps(panel)[1]["value"] == look


def test_panels_fill_whole_lines_and_do_not_overlap(dashboard: Dashboard) -> None:
    cells: set[tuple[int, int]] = set()
    area = 0
    for panel in dashboard.json["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= GRID_WIDTH
        area += at["w"] * at["h"]
        cells |= {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
    assert len(cells) == area
    height = max(y for _, y in cells) + 1
    assert area == GRID_WIDTH * height
    kinds = [panel["type"] for panel in dashboard.json["panels"]]
    assert kinds[0] == "row"
    assert kinds[-1] != "row"
    assert ("row", "row") not in pairwise(kinds)
    assert len(dashboard.panels) <= 22


def test_titles_and_numbers_tell_the_panels_of_a_dashboard_apart(dashboard: Dashboard) -> None:
    for one, other in combinations(dashboard.json["panels"], 2):
        assert one["title"] != other["title"]
        assert one["id"] != other["id"]


def test_every_metric_in_a_query_is_exported(dashboard: Dashboard) -> None:
    documented = set(
        re.findall(r"^\| `(playvitals_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.M)
    )
    promql = " ".join(
        [
            *(query.promql for query in dashboard.queries),
            *(json.dumps(variable.get("query")) for variable in dashboard.variables.values()),
        ]
    )
    assert "playvitals_" in promql
    for ranking in RANKINGS.values():
        used = set(re.findall(r"playvitals_\w+", promql.replace("${metric}", ranking)))
        assert {re.sub(r"_bucket$", "", name) for name in used} <= documented
    others = set(re.findall(r"\b(?:process_\w+|[A-Z]{4,})", promql))
    assert others <= {
        *("process_cpu_seconds_total", "process_resident_memory_bytes"),
        *("process_open_fds", "process_max_fds", "ALERTS"),
    }


def test_figures_that_two_workers_may_export_are_not_added_up(dashboard: Dashboard) -> None:
    for query in dashboard.queries:
        for found in re.finditer(r"playvitals_(rolling_|lag_|ledger_)", query.promql):
            before = query.promql[: found.start()]
            assert re.search(r"max (by \([\w, ]+\) )?\((abs\()?$|max\($", before), query


def test_every_variable_in_a_query_or_link_can_be_chosen(dashboard: Dashboard) -> None:
    known = BUILT_IN | set(dashboard.variables)
    for query in dashboard.queries:
        assert variables_in(query.promql) <= known
    for url in dashboard.urls:
        assert variables_in(re.sub(r"\$\{__(data|field|value)\.[\w.]+\}", "", url)) <= known
    assert "datasource" in dashboard.variables


def test_links_lead_to_dashboards_with_the_variables_they_set(dashboard: Dashboard) -> None:
    dashboards = all_dashboards()
    internal = {url for url in dashboard.urls if not url.startswith("https://")}
    for url in internal:
        address = urlsplit(url)
        found = re.fullmatch(r"/d/([\w-]+)", address.path)
        assert found is not None, url
        target = dashboards[found[1]]
        names = [name for name, _ in parse_qsl(address.query)]
        assert {name.removeprefix("var-") for name in names} <= set(target.variables)
        assert "var-datasource" in names
    assert dashboard.json["links"][0]["tags"] == dashboard.json["tags"] == ["playvitals"]


def test_links_into_the_documents_lead_to_sections_that_exist(dashboard: Dashboard) -> None:
    text = " ".join([*dashboard.urls, *(panel["description"] for panel in dashboard.panels)])
    addresses = set(re.findall(rf"{re.escape(DOCUMENTS_URL)}([\w./-]+)(?:#([\w-]+))?", text))
    assert len(addresses) > 1
    # The index of the runbooks comes with the alert rules, whose tests hold it.
    for path, anchor in addresses - {(RUNBOOKS, ""), (f"{Path(RUNBOOKS).parent}/", "")}:
        document = ROOT / path
        assert document.is_file(), path
        if anchor:
            assert anchor in anchors(document), f"{path}#{anchor}"


def test_slices_can_be_clicked() -> None:
    dashboards = all_dashboards()
    for uid in ("playvitals-quality", "playvitals-breakdown"):
        tables = [
            panel
            for panel in dashboards[uid].panels
            if panel["type"] == "table" and panel["title"] != "Alerts"
        ]
        assert len(tables) == 1
        for table in tables:
            links = [
                (override["matcher"]["options"], found["value"][0]["url"])
                for override in table["fieldConfig"]["overrides"]
                for found in override["properties"]
                if found["id"] == "links"
            ]
            assert "value" in {label for label, _ in links}
            for _, url in links:
                assert url.startswith("/d/playvitals-breakdown?")
                assert "var-value=${__data.fields.value}" in url


def test_the_name_of_an_alert_leads_to_its_runbook() -> None:
    (alerts,) = [
        panel
        for panel in all_dashboards()["playvitals-quality"].panels
        if panel["title"] == "Alerts"
    ]
    (override,) = alerts["fieldConfig"]["overrides"]
    assert override["matcher"]["options"] == "alertname"
    (found,) = override["properties"][0]["value"]
    folder = Path(RUNBOOKS).parent
    assert found["url"] == f"{DOCUMENTS_URL}{folder}/${{__value.text}}.md"


def test_alerts_are_marked_on_the_charts(dashboard: Dashboard) -> None:
    (alerts,) = dashboard.annotations
    assert alerts["enable"] is True
    assert alerts["expr"] == 'ALERTS{alertstate="firing"}'
    assert alerts["titleFormat"] == "{{alertname}}"


def documented_rows(heading: str) -> list[list[str]]:
    """The cells of the table rows in a section of the document about the dashboards."""
    text = (ROOT / "docs/dashboards.md").read_text().split(f"\n## {heading}\n")[1]
    rows = re.findall(r"^\| (.*) \|$", text.split("\n## ")[0], re.M)
    return [row.split(" | ") for row in rows]


def test_the_document_has_the_uids_and_questions_of_every_dashboard() -> None:
    documented = {
        uid.strip("`"): (title, text)
        for title, uid, text in documented_rows("Which one")
        if uid.startswith("`")
    }
    assert documented == {
        uid: (found.json["title"].removeprefix("playvitals: "), documented[uid][1])
        for uid, found in all_dashboards().items()
    }
    for uid, (_, text) in documented.items():
        for question in re.findall(r"[^?]+\?", text):
            assert question.strip()[:12] in json.dumps(all_dashboards()[uid].json), question


def test_the_document_has_every_variable_where_it_is() -> None:
    documented = {row[0].strip("`"): row[1] for row in documented_rows("What can be chosen")[1:]}
    places: dict[str, list[str]] = {}
    for found in (Dashboard(FOLDER / name) for name in DASHBOARDS):
        for name in found.variables:
            places.setdefault(name, []).append(found.json["title"].removeprefix("playvitals: "))
    spread = {
        single: documented[name] for name in documented for single in re.findall(r"\w+", name)
    }
    assert spread == {
        name: "all" if len(titles) == len(DASHBOARDS) else ", ".join(titles)
        for name, titles in places.items()
    }


def test_the_document_has_the_values_at_which_colours_change() -> None:
    units = {"ms": 0.001, "s": 1.0, "%": 0.01}

    def number(text: str) -> float:
        value, unit = text.split()
        return float(value) * units[unit]

    documented = {
        figure: [number(look), number(bad)]
        for name, look, bad in (row for row in documented_rows("Which one") if len(row) == 3)
        if re.fullmatch(r"[\d.]+ (ms|s|%)", look)
        for figure in name.lower().split(", ")
    }
    documented["receipt to counted, p99"] = documented.pop("p99")
    documented.pop("receipt to counted")
    shown = {
        panel["title"].lower().removesuffix(" by $dimension"): [
            step["value"] for step in steps(panel)[1:]
        ]
        for uid in ("playvitals-quality", "playvitals-breakdown")
        for panel in all_dashboards()[uid].panels
    }
    assert len(documented) == 9
    assert documented == {figure: pytest.approx(shown[figure]) for figure in documented}
