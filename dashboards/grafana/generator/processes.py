"""What the processes use: figures of the Prometheus client that any process may export."""

from grafana_foundation_sdk.builders import timeseries

from dashboards.grafana.generator import targets
from dashboards.grafana.generator.documents import described
from dashboards.grafana.generator.panels import BYTES, RATIO, chart
from dashboards.grafana.generator.queries import RATE, Query

# A metric that only this kind of process exports, once: whatever the scrape jobs are called.
WORKER = "playvitals_open_views"
API_PROCESS = "playvitals_api_live_streams"

WIDTH = 6


def cpu(title: str, kind: str, no_value: str, width: int = WIDTH) -> timeseries.Panel:
    """Processor time of each process of a kind."""
    return chart(
        title,
        [Query(_of(f"rate(process_cpu_seconds_total[{RATE}])", kind), "{{instance}}")],
        described(
            "Cores in use. A process uses little more than one: near 100 % it falls behind, and"
            " more processes help. Good: under 70 %.",
            "health-of-the-pipeline",
        ),
        unit=RATIO,
        steps=targets.low_is_good(0.7, 0.9),
        no_value=no_value,
        width=width,
    )


def memory(title: str, kind: str, no_value: str, width: int = WIDTH) -> timeseries.Panel:
    """Memory of each process of a kind."""
    return chart(
        title,
        [Query(_of("process_resident_memory_bytes", kind), "{{instance}}")],
        described(
            "Resident memory. A worker's follows the ids of a day and the open views; one that"
            " only grows for days under even traffic is a leak.",
            "health-of-the-pipeline",
        ),
        unit=BYTES,
        steps=targets.neutral(),
        no_value=no_value,
        width=width,
    )


def open_files(title: str, kind: str, no_value: str, width: int = WIDTH) -> timeseries.Panel:
    """Open files of each process of a kind, of what it may open."""
    return chart(
        title,
        [Query(_of("process_open_fds / process_max_fds", kind), "{{instance}}")],
        described(
            "Open files and connections as a share of what the process may open. At 100 % it"
            " takes no more connections. Good: under 50 %.",
            "health-of-the-pipeline",
        ),
        unit=RATIO,
        steps=targets.low_is_good(0.5, 0.8),
        no_value=no_value,
        width=width,
    )


def _of(promql: str, kind: str) -> str:
    return f"max by (instance) ({promql} and on (instance) {kind})"
