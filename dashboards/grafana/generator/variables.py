"""What can be chosen at the top of a dashboard."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import (
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.grafana.generator.panels import DATASOURCE

MINIMUM_PLAYS = ("0", "10", "20", "50", "100", "500", "1000")


def datasource() -> build.DatasourceVariable:
    """The Prometheus to ask."""
    return (
        build.DatasourceVariable("datasource")
        .label("Prometheus")
        .description("The Prometheus that scrapes the workers and the API")
        .type("prometheus")
        .allow_custom_value(False)
    )


def filters() -> build.AdHocVariable:
    """Labels that every query must have, where one Prometheus sees several deployments."""
    return (
        build.AdHocVariable("filters")
        .label("Only")
        .description("For example namespace = live, where a Prometheus sees several deployments")
        .datasource(DATASOURCE)
    )


def window() -> build.QueryVariable:
    """The rolling window."""
    return _query(
        "window",
        "Window",
        "label_values(playvitals_rolling_plays, window)",
        "Rolling figures are about the time before now that this window covers",
    ).current(VariableOption(text="5m", value="5m"))


def dimension() -> build.QueryVariable:
    """By what slices are told apart."""
    return _query(
        "dimension",
        "Dimension",
        'label_values(playvitals_rolling_plays{dimension!="all"}, dimension)',
        "What to break the figures down by",
    ).current(VariableOption(text="cdn", value="cdn"))


def value() -> build.QueryVariable:
    """The slices that the charts show: all, or some."""
    return (
        _query(
            "value",
            "Value",
            'label_values(playvitals_rolling_plays{window="$window", dimension="$dimension"},'
            " value)",
            "Which values of the dimension the charts show",
        )
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(text=["All"], value=["$__all"]))
    )


def minimum_plays() -> build.CustomVariable:
    """Slices with fewer plays are too small to judge."""
    return (
        build.CustomVariable("minimum_plays")
        .label("At least plays")
        .description("Slices with fewer plays in the window are left out of tables")
        .values(",".join(MINIMUM_PLAYS))
        .current(VariableOption(text="20", value="20"))
    )


def metric(names: Mapping[str, str]) -> build.CustomVariable:
    """The rolling figure that slices are ranked by; ``names`` are its titles and names."""
    first_title, first_name = next(iter(names.items()))
    return (
        build.CustomVariable("metric")
        .label("Worst by")
        .description("The figure that ranks the slices of the table")
        .values(",".join(f"{title} : {name}" for title, name in names.items()))
        .current(VariableOption(text=first_title, value=first_name))
    )


def _query(name: str, label: str, promql: str, description: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(DATASOURCE)
        .query({"qryType": 1, "query": promql, "refId": "PrometheusVariableQueryEditor-Variable"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.NATURAL_ASC)
    )
