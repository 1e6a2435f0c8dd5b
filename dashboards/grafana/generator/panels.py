"""The kinds of panels, each with a description, a unit, thresholds and a text for no data."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    FieldColorModeId,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.grafana.generator.queries import Query
from dashboards.grafana.generator.targets import Steps, thresholds

SECONDS = "s"
RATIO = "percentunit"
COUNT = "short"
PER_SECOND = "cps"
EVENTS_PER_SECOND = "eps"
REQUESTS_PER_SECOND = "reqps"
BYTES = "bytes"

STAT_WIDTH, STAT_HEIGHT = 3, 4
CHART_WIDTH, CHART_HEIGHT = 8, 8

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")


def link(title: str, url: str) -> build.DashboardLink:
    """A link of a panel or of a value in it; opens in the same tab."""
    return build.DashboardLink(title).type(DashboardLinkType.LINK).url(url)


def stat_panel(
    title: str,
    promql: str,
    description: str,
    *,
    unit: str,
    steps: Steps,
    no_value: str,
    url: str = "",
    width: int = STAT_WIDTH,
    decimals: int | None = None,
) -> stat.Panel:
    """One figure as it is now, on the colour of its threshold.

    An instant query: the last value of a series that has ended is not the value now.

    Args:
        url: where a click leads: what to look at when the figure is bad.
    """
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(STAT_HEIGHT)
        .span(width)
        .with_target(prometheus.Dataquery().expr(promql).instant().ref_id("A"))
        .unit(unit)
        .thresholds(thresholds(steps))
        .no_value(no_value)
        .color_scheme(build.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel.data_links([link("What to look at", url)]) if url else panel


def chart(
    title: str,
    queries: Sequence[Query],
    description: str,
    *,
    unit: str,
    steps: Steps,
    no_value: str,
    url: str = "",
    stacked: bool = False,
    width: int = CHART_WIDTH,
    floor: float | None = 0,
) -> timeseries.Panel:
    """Figures over time, with dashed lines where their thresholds are.

    Args:
        url: where a click on a line leads; may name its labels.
        floor: the lowest value of the axis; None where values may be below 0.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(CHART_HEIGHT)
        .span(width)
        .unit(unit)
        .thresholds(thresholds(steps))
        .thresholds_style(
            common.GraphThresholdsStyleConfig().mode(
                GraphThresholdsStyleMode.DASHED if len(steps) > 1 else GraphThresholdsStyleMode.OFF
            )
        )
        .no_value(no_value)
        .color_scheme(build.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .line_width(1)
        .fill_opacity(30 if stacked else 5)
        .show_points(VisibilityMode.NEVER)
        # A figure that is absent is a gap, not a line across it.
        .span_nulls(False)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(
            common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
    )
    if floor is not None:
        panel = panel.axis_soft_min(floor)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if url:
        panel = panel.data_links([link("Break down", url)])
    for number, query in enumerate(queries):
        panel = panel.with_target(
            prometheus.Dataquery()
            .expr(query.promql)
            .range()
            .legend_format(query.legend)
            .ref_id(chr(ord("A") + number))
        )
    return panel


def histogram_panel(
    title: str,
    promql: str,
    description: str,
    *,
    unit: str,
    steps: Steps,
    no_value: str,
    width: int = CHART_WIDTH,
) -> heatmap.Panel:
    """How a histogram in seconds is spread over time; ``unit`` is that of its rate."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .height(CHART_HEIGHT)
        .span(width)
        .with_target(
            prometheus.Dataquery()
            .expr(promql)
            .range()
            .format(PromQueryFormat.HEATMAP)
            .legend_format("{{le}}")
            .ref_id("A")
        )
        .unit(unit)
        .thresholds(thresholds(steps))
        .no_value(no_value)
        .calculate(False)
        .scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.LINEAR))
        .y_axis(heatmap.YAxisConfig().unit(SECONDS))
        .cell_values(heatmap.CellValues().unit(unit))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .exponent(0.5)
            .steps(64)
        )
        .mode(TooltipDisplayMode.SINGLE)
        .show_legend()
    )
