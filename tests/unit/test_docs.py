"""The documentation says what the code does: names, defaults, ranges, examples, links."""

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.checkpoints import Checkpointer
from agents.intake import Intake
from agents.restoring import Ownership
from agents.windows import Windows
from app.api.metrics import ApiMetrics
from app.catalogue import CatalogueReader
from app.health_metrics import HealthMetrics
from app.live.feeds import LiveFeeds
from app.live.metrics import LiveCollector
from app.settings import PREFIX, Settings, load_settings
from app.topics import NAMES
from app.worker_metrics import WorkerCollector
from bench.command import bench
from bench.steps import STEPS
from models.catalogue import Catalogue
from models.events import EVENT_TYPES
from models.fields import rules_of
from models.pipeline import PartitionHealth
from models.timestamps import format_timestamp, parse_timestamp_ms
from models.validation import read_event
from models.verdicts import REASONS, CheckedEvent, Refusal
from models.views import OUTCOMES
from models.windows import window_record
from tables.checkpoint_log import Origin
from tables.counters import Counters
from tests.support.core import Core, Remembered, at_ms, rules

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.is_file()
)
NETWORK_MS = 334
"""How long the events of the examples take to the server."""


class Outputs(Remembered):
    def partial(self, dimension: str, value: bytes) -> None: ...

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    def window(self, key: str, value: bytes | None, clock_ms: int) -> None: ...

    async def wait_room(self) -> None: ...


def read(name: str) -> str:
    return (ROOT / name).read_text()


def rows(name: str) -> list[list[str]]:
    """The cells of every table row of a document."""
    lines = re.findall(r"^\| (.*) \|$", read(name), re.M)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]


def examples(name: str) -> list[str]:
    """The JSON examples of a document, as they stand there."""
    return [text.strip() for text in re.findall(r"```json\n(.*?)```", read(name), re.S)]


def event_examples() -> list[str]:
    events = [text for text in examples("docs/events.md") if "event" in json.loads(text)]
    return sorted(events, key=lambda text: at_ms(json.loads(text)))


def topic_example(title: str) -> str:
    """The one JSON example in the section of a topic."""
    section = read("docs/topics.md").split(f"\n## `{title}`\n")[1].split("\n## ")[0]
    (text,) = re.findall(r"```json\n(.*?)```", section, re.S)
    return str(text).strip()


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_setting_is_documented_and_nothing_else() -> None:
    computed = {"unknown_variables"}
    settings = {
        PREFIX + field.name.upper() for field in fields(Settings) if field.name not in computed
    }
    documented = set(re.findall(r"^\| `(PLAYVITALS_\w+)`", read("docs/configuration.md"), re.M))
    assert documented == settings


def test_documented_defaults_are_the_defaults() -> None:
    defaults = {
        row[0].strip("`"): re.fullmatch(r"`([^`]+)`", row[1])
        for row in rows("docs/configuration.md")
        if row[0].startswith("`PLAYVITALS_")
    }
    spelt_out = {name: match[1] for name, match in defaults.items() if match}
    assert len(spelt_out) >= 18
    assert load_settings(spelt_out) == load_settings({})


def test_every_metric_is_documented_and_nothing_else() -> None:
    counters, outputs = Counters(), Outputs()
    counters.last_event_ms = 1
    intake = Intake(rules(), counters, outputs, lambda _: 0, 5000)
    origin = Origin("playvitals.events.raw", 1)
    intake.partitions[0] = intake.new_partition(0, origin)
    unused: Any = None
    windows = Windows(load_settings({}).windows, 60, outputs, 5000, unused)
    checkpointer = Checkpointer(intake, unused, unused, lambda: 1, 10.0)
    ownership = Ownership(intake, unused, origin, unused, unused)
    health = HealthMetrics(counters, intake, checkpointer, ownership, lambda *_: 0)
    collector = WorkerCollector(counters, intake, windows, health, lambda: True)
    live = LiveCollector(LiveFeeds(load_settings({})))
    catalogue = CatalogueReader(load_settings({}), "contents")
    families = [
        *collector.collect(),
        *ApiMetrics().registry.collect(),
        *live.collect(),
        *catalogue.collect(),
    ]
    exported = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families
        if family.name.startswith("playvitals_")
    }
    documented = set(re.findall(r"^\| `(playvitals_\w+)`", read("docs/metrics.md"), re.M))
    assert documented == exported


@pytest.mark.parametrize("name", [*EVENT_TYPES, *REASONS])
def test_every_event_and_every_reason_is_documented(name: str) -> None:
    assert f"`{name}`" in read("docs/events.md")


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_field_of_an_event_is_documented_with_its_range(event_type: str) -> None:
    sections = re.split(r"^### ", read("docs/events.md"), flags=re.M)
    (section,) = [text for text in sections if f"`{event_type}`" in text.partition("\n")[0]]
    table = {
        name: row
        for row in re.findall(r"^\| (`.*) \|$", section, re.M)
        for name in re.findall(r"`(\w+)`", row.split(" | ")[0])
    }
    _, fields_of_data = rules_of(EVENT_TYPES[event_type])
    assert set(table) == {field.name for field in fields_of_data}
    for field in fields_of_data:
        row = table[field.name]
        assert ("(optional)" in row) is not field.required
        limits = re.search(r"from (\d+) to (\d+)", field.expected)
        assert limits is None or f"| {limits[1]} to {limits[2]} |" in row


@pytest.mark.parametrize("text", event_examples(), ids=lambda text: json.loads(text)["eventId"])
def test_example_events_are_accepted(text: str) -> None:
    fields = json.loads(text)
    checked = read_event(text.encode(), at_ms(fields) + NETWORK_MS)
    assert isinstance(checked, CheckedEvent)


def test_there_is_an_example_of_every_event() -> None:
    names = {json.loads(text)["event"] for text in event_examples()}
    assert set(EVENT_TYPES) <= names


def test_quoted_refusals_are_what_the_api_answers() -> None:
    error = next(
        body["error"]
        for body in map(json.loads, examples("docs/events.md"))
        if body.get("error", {}).get("code") == "VALIDATION_ERROR"
    )
    raw = b'{"event":"playStart","contentId":"a","data":{"startupTime":"fast"}}'
    refusal = read_event(raw, 0)
    assert isinstance(refusal, Refusal)
    assert error["message"] == refusal.faults[0].message
    assert error["details"]["errors"] == [msgspec.to_builtins(fault) for fault in refusal.faults]


REFUSED: dict[str, dict[str, Any]] = {
    "data.startupTime: required": {"event": "playStart"},
    "data.entryPoint": {"event": "impression", "data": {"position": 0, "entryPoint": "home"}},
    "sessionId": {"event": "like", "sessionId": "s" * 129},
    "timestamp: expected": {"event": "like", "timestamp": "yesterday"},
    "event": {"event": "playstart"},
    "contentId: 'a b'": {"event": "like", "contentId": "a b"},
    "contentId: 'clip-9'": {"event": "like", "contentId": "clip-9"},
    "data.duration": {"event": "rebuffer", "data": {"duration": 3_600_001, "currentTime": 1}},
    "x": {"event": "like", "x": float("nan")},
    "timestamp: 2026": {"event": "like", "timestamp": "2026-01-01T03:04:05Z"},
}
"""Events that get the messages quoted in the table of reasons, by how the message begins."""


@pytest.mark.parametrize("beginning", REFUSED)
def test_quoted_messages_are_those_of_the_code(beginning: str) -> None:
    table = {row[2].strip("`"): row[0] for row in rows("docs/events.md") if len(row) == 3}
    (quoted,) = [text for text in table if text.startswith(beginning) and ": " in text]
    raw = json.dumps({"contentId": "a", **REFUSED[beginning]}).encode()
    now_ms = parse_timestamp_ms("2026-01-02T03:04:06.012Z") or 0
    refusal = read_event(raw, now_ms, catalogue=Catalogue(0) if "clip-9" in beginning else None)
    assert isinstance(refusal, Refusal)
    assert quoted in [fault.message for fault in refusal.faults]


def records_of_the_examples() -> Core:
    """The session of the examples in events.md, and half a minute of silence after it."""
    core = Core(windows_ms=(60_000, 300_000))
    for text in event_examples():
        core.feed([(at_ms(json.loads(text)) + NETWORK_MS, text.encode())])
    core.feed([(parse_timestamp_ms("2026-01-02T03:04:06.012Z") or 0, b'{"event":"like"}')])
    core.tick(parse_timestamp_ms("2026-01-02T03:05:00.000Z") or 0)
    core.publish()
    return core


def test_example_records_are_what_the_example_events_become() -> None:
    core = records_of_the_examples()
    assert topic_example("events.raw") in event_examples()
    accepted = [value for _, _, value, _ in core.outputs.accepted_records]
    assert json.loads(topic_example("events.accepted")) in accepted
    rejected = [value for _, value in core.outputs.rejected_records]
    example = json.loads(topic_example("events.rejected"))
    assert {**example, "source": None} == {**rejected[0], "source": None}
    assert set(example["source"]) == set(rejected[0]["source"])
    assert [topic_example("views").encode()] == core.outputs.view_values


def test_example_window_is_that_of_the_example_events() -> None:
    rendition = records_of_the_examples().merged["rendition"]
    end_ms = rendition.clock_ms
    start, end = format_timestamp(end_ms - 300_000), format_timestamp(end_ms)
    figures = dict(rendition.slices(1))["720p"]
    record = window_record("5m", "rendition", "720p", start, end, figures)
    assert topic_example("windows").encode() == msgspec.json.encode(record)


def test_example_of_health_is_a_record_of_the_worker() -> None:
    text = topic_example("health").encode()
    health = msgspec.json.decode(text, type=PartitionHealth)
    assert msgspec.json.encode(health) == text
    explained = re.findall(r"`(\w+)`", " ".join(row[0] for row in rows("docs/topics.md")))
    assert set(json.loads(text)) - {"partition"} <= set(explained)


def test_every_topic_and_every_outcome_of_a_view_is_documented() -> None:
    first_cells = {row[0] for row in rows("docs/topics.md")}
    assert {f"`{name}`" for name in (*NAMES, *OUTCOMES)} <= first_cells


def test_every_field_of_a_view_is_explained() -> None:
    explained = re.findall(r"`(\w+)`", " ".join(row[0] for row in rows("docs/topics.md")))
    assert set(json.loads(topic_example("views"))) <= set(explained)


def test_every_step_of_the_benchmarks_is_documented_with_a_command_of_its_own() -> None:
    documented = {
        row[0].strip("`"): set(re.findall(r"`bench (\w+)`", row[2]))
        for row in rows("docs/benchmarks.md")
        if len(row) == 3 and row[2].startswith("`bench ")
    }
    assert list(documented) == [step.name for step in STEPS]
    assert all(documented.values())
    assert set().union(*documented.values()) <= bench.commands.keys()


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    groups = project["dependency-groups"].values()
    wanted: Iterable[str] = (
        *project["project"]["dependencies"],
        *(entry for group in groups for entry in group if isinstance(entry, str)),
    )
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in wanted}  # type: ignore[index] # each begins with its name
    explained = {row[0] for row in rows("docs/decisions/0003-dependencies.md")}
    assert names == explained - {"package", "---"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", document.read_text()):
        if not path.startswith(("http:", "https:")):
            target = document.parent / path if path else document
            assert target.exists(), path
            assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
