"""The documentation names what the code has: settings, metrics, events, reasons, files."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from agents.intake import Intake
from agents.windows import Windows
from app.api.metrics import ApiMetrics
from app.settings import PREFIX, Settings, load_settings
from app.worker_metrics import WorkerCollector
from models.events import EVENT_TYPES
from models.verdicts import REASONS
from tables.counters import Counters
from tests.support.core import Remembered, rules

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.is_file()
)


class Outputs(Remembered):
    def partial(self, dimension: str, value: bytes) -> None: ...

    def tick(self, partition: int, header: str, clock_ms: int) -> None: ...

    def window(self, key: str, value: bytes | None, clock_ms: int) -> None: ...

    async def wait_room(self) -> None: ...


def read(name: str) -> str:
    return (ROOT / name).read_text()


def test_every_setting_is_documented_and_nothing_else() -> None:
    computed = {"unknown_variables"}
    settings = {
        PREFIX + field.name.upper() for field in fields(Settings) if field.name not in computed
    }
    documented = set(re.findall(r"^\| `(PLAYVITALS_\w+)`", read("docs/configuration.md"), re.M))
    assert documented == settings


def test_every_metric_is_documented_and_nothing_else() -> None:
    counters, outputs = Counters(), Outputs()
    counters.last_event_ms = 1
    intake = Intake(rules(), counters, outputs, lambda _: 0, 5000)
    windows = Windows(load_settings({}).windows, 60, outputs, 5000)
    collector = WorkerCollector(counters, intake, windows, lambda *_: 0)
    families = [*collector.collect(), *ApiMetrics().registry.collect()]
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (document.parent / target).exists(), target
