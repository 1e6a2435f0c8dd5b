"""Tables with one row per slice: a query per column, joined by the labels of the slice."""

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

TABLE_HEIGHT = 10


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
) -> table.Panel:
    """A row per combination of ``labels``.

    Args:
        labels: the labels that the queries keep; each becomes a column.
        sort_by: the title of the column whose largest value comes first.
        url: where a click on a label leads; may name the fields of the row.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(TABLE_HEIGHT)
        .span(24)
        .unit(COUNT)
        .thresholds(thresholds(neutral()))
        .no_value(no_value)
        .align(FieldTextAlignment.AUTO)
        .show_header(True)
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
        links = [link("Break down", url).build()]
        panel = panel.override_by_name(label, [DynamicConfigValue("links", links)])
    return panel


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
