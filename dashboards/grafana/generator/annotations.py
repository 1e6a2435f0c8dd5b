"""Alerts as marks on every chart."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import AnnotationQuery

from dashboards.grafana.generator.panels import DATASOURCE

FIRING = 'ALERTS{alertstate="firing"}'


class _Alerts(AnnotationQuery):
    """Grafana reads the texts of a mark from fields that the SDK's model does not have."""

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {
            "titleFormat": "{{alertname}}",
            "textFormat": "{{dimension}} {{value}}",
            "tagKeys": "severity",
        }


class _AlertsBuilder(Builder[AnnotationQuery]):
    def build(self) -> AnnotationQuery:
        return _Alerts(
            name="Alerts", datasource=DATASOURCE, enable=True, icon_color="red", expr=FIRING
        )


def add_alerts(dashboard: build.Dashboard) -> build.Dashboard:
    """Mark on the charts of ``dashboard`` when an alert fires."""
    return dashboard.annotation(_AlertsBuilder())
