"""Tables: slices, with a query per column joined by the labels of the slice, and alerts."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, prometheus, table
from grafana_foundation_sdk.models.common import (
    FieldTextAlignment,
    TableCellBackgroundDisplayMode,
    TableColoredBackgroundCellOptions,
)
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.grafana.generator.panels import COUNT, DATASOURCE, link
from dashboards.grafana.generator.targets import Steps, neutral, thresholds

TABLE_WIDTH, TABLE_HEIGHT = 24, 10


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of every row; its colours where it has more than one."""

    title: str
    promql: str
    unit: str
    steps: Steps


def slice_table(
    title: str,
    columns: Sequence[Column],
    description: str,
    *,
    labels: Sequence[str],
    sort_by: str,
    no_value: str,
    url: str,
    width: int = TABLE_WIDTH,
) -> table.Panel:
    """A row per combination of ``labels``.

    Args:
        labels: the labels that the queries keep; each becomes a column.
        sort_by: the title of the column whose largest value comes first.
        url: where a click on a label leads; may name the fields of the row.
    """
    panel = (
        _table(title, description, no_value, width)
        .sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(DataTransformerConfig(id_val="organize", options=_order(columns)))
    )
    for ref_id, column in _with_ref_ids(columns):
        panel = panel.with_target(
            prometheus.Dataquery()
            .expr(column.promql)
            .instant()
            .format(PromQueryFormat.TABLE)
            .ref_id(ref_id)
        )
        panel = panel.override_by_name(column.title, _look(column))
    for label in labels:
        panel = panel.override_by_name(label, [_links("Break down", url)])
    return panel


def alert_table(
    title: str, promql: str, description: str, *, no_value: str, url: str, width: int
) -> table.Panel:
    """A row per alert; ``url`` is where a click on its name leads."""
    hidden: dict[str, object] = {"excludeByName": {"Time": True, "Value": True}}
    return (
        _table(title, description, no_value, width)
        .with_target(
            prometheus.Dataquery().expr(promql).instant().format(PromQueryFormat.TABLE).ref_id("A")
        )
        .with_transformation(DataTransformerConfig(id_val="organize", options=hidden))
        .override_by_name("alertname", [_links("Runbook", url)])
    )


def _table(title: str, description: str, no_value: str, width: int) -> table.Panel:
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(TABLE_HEIGHT)
        .span(width)
        .unit(COUNT)
        .thresholds(thresholds(neutral()))
        .no_value(no_value)
        .align(FieldTextAlignment.AUTO)
        .show_header(True)
    )


def _links(title: str, url: str) -> DynamicConfigValue:
    return DynamicConfigValue("links", [link(title, url).build()])


def _with_ref_ids(columns: Sequence[Column]) -> list[tuple[str, Column]]:
    return [(chr(ord("A") + number), column) for number, column in enumerate(columns)]


def _order(columns: Sequence[Column]) -> dict[str, object]:
    titles = {f"Value #{ref_id}": column.title for ref_id, column in _with_ref_ids(columns)}
    order = ["dimension", "value", *titles]
    return {
        "excludeByName": {"Time": True},
        "indexByName": {name: number for number, name in enumerate(order)},
        "renameByName": titles,
    }


def _look(column: Column) -> list[DynamicConfigValue]:
    look = [
        DynamicConfigValue("unit", column.unit),
        DynamicConfigValue("thresholds", thresholds(column.steps).build()),
    ]
    if len(column.steps) > 1:
        cell = TableColoredBackgroundCellOptions(mode=TableCellBackgroundDisplayMode.BASIC)
        look.append(DynamicConfigValue("custom.cellOptions", cell))
    return look
