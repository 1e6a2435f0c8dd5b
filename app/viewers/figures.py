"""The rolling figures as the worker's ``/metrics`` shows them."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from models.dimensions import ALL

_PREFIX = "playvitals_rolling_"
_STARTUP = f"{_PREFIX}startup_seconds"


@dataclass(frozen=True, slots=True)
class RollingFigures:
    """The figures of one window: per column (``""`` for all viewers, else a slice) and name.

    Names are those of the metrics without ``playvitals_rolling_``; quantiles of the startup time
    are ``startup_p50`` and so on. What is not defined yet is absent.
    """

    columns: dict[str, dict[str, float]]

    def get(self, column: str, name: str) -> float | None:
        """One figure, or None where there is none."""
        return self.columns.get(column, {}).get(name)


def read_figures(text: str, window: str, dimension: str) -> RollingFigures:
    """Pick the figures of ``window`` over all viewers and by ``dimension`` out of the exposition
    format."""
    columns: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        if not family.name.startswith(_PREFIX):
            continue
        for sample in family.samples:
            labels = sample.labels
            if labels.get("window") != window or labels.get("dimension") not in (ALL, dimension):
                continue
            name = sample.name.removeprefix(_PREFIX)
            if sample.name == _STARTUP:
                name = f"startup_p{float(labels['quantile']) * 100:g}"
            columns.setdefault(labels["value"], {})[name] = sample.value
    return RollingFigures(columns)
