"""What all dashboards have in common: links, time, variables, alerts, and rows of panels."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableModel,
)

from dashboards.grafana.generator import variables
from dashboards.grafana.generator.annotations import add_alerts
from dashboards.grafana.generator.documents import DOCUMENTS_URL, RUNBOOKS

TAG = "playvitals"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under the question that they answer. Their widths fill whole lines of 24."""

    question: str
    panels: Sequence[Builder[Panel]]


def dashboard(
    uid: str,
    title: str,
    description: str,
    rows: Sequence[Row],
    chosen: Sequence[Builder[VariableModel]] = (),
) -> Dashboard:
    """A whole dashboard; ``chosen`` are its variables beside the Prometheus and the filters."""
    frame = (
        build.Dashboard(f"playvitals: {title}")
        .uid(uid)
        .description(description)
        .tags([TAG])
        # Changes are made in the code; what is changed in Grafana is lost at the next start.
        .readonly()
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-1h", "now")
        .refresh("10s")
        .link(_others())
        .link(_runbooks())
        .variables([variables.datasource(), *chosen, variables.filters()])
    )
    add_alerts(frame)
    for row in rows:
        frame.with_row(build.Row(row.question))
        for panel in row.panels:
            frame.with_panel(panel)
    return _numbered(frame.build())


def _others() -> build.DashboardLink:
    return (
        build.DashboardLink("Dashboards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(False)
        .keep_time(True)
        .include_vars(True)
    )


def _runbooks() -> build.DashboardLink:
    return (
        build.DashboardLink("Runbooks")
        .type(DashboardLinkType.LINK)
        .icon("doc")
        .tooltip("What to do about each alert")
        .url(DOCUMENTS_URL + RUNBOOKS)
        .target_blank(True)
    )


def _numbered(found: Dashboard) -> Dashboard:
    """Panels need numbers for links to a single one; Grafana would draw them anew."""
    for number, panel in enumerate(found.panels or (), start=1):
        panel.id_val = number
    return found
