"""The dashboards as the files that Grafana loads."""

from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana.generator.api import api
from dashboards.grafana.generator.breakdown import breakdown
from dashboards.grafana.generator.pipeline import pipeline
from dashboards.grafana.generator.quality import quality

FOLDER = Path(__file__).parents[1]
"""Where the files are: ``dashboards/grafana``."""

DASHBOARDS: dict[str, Callable[[], Dashboard]] = {
    "quality.json": quality,
    "breakdown.json": breakdown,
    "pipeline.json": pipeline,
    "api.json": api,
}


def rendered(dashboard: Dashboard) -> str:
    """The text of a dashboard's file; the same code gives the same text."""
    return JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False).encode(dashboard) + "\n"


def write_all(folder: Path = FOLDER) -> list[Path]:
    """Write every dashboard to ``folder``; returns the files."""
    paths = []
    for name, build in DASHBOARDS.items():
        path = folder / name
        path.write_text(rendered(build()), encoding="utf-8")
        paths.append(path)
    return paths
