"""Addresses of what the dashboards link to: each other, and the project's documents."""

DOCUMENTS_URL = "https://github.com/playvitals/playvitals/blob/main/"
RUNBOOKS = "docs/operations/alerts/README.md"
RUNBOOK_OF_CELL = f"{DOCUMENTS_URL}docs/operations/alerts/${{__value.text}}.md"
"""The runbook of the alert whose name was clicked."""

QUALITY = "playvitals-quality"
BREAKDOWN = "playvitals-breakdown"
PIPELINE = "playvitals-pipeline"
API = "playvitals-api"


def metrics(section: str) -> str:
    """The address of a section of the document that defines every metric."""
    return f"{DOCUMENTS_URL}docs/metrics.md#{section}"


def described(text: str, section: str) -> str:
    """A panel's description: what it means, and where that is defined."""
    return f"{text}\n\n[Definition]({metrics(section)})"


def to_dashboard(uid: str, *variables: str, **values: str) -> str:
    """A link to another dashboard, for the same time, Prometheus and filters.

    Args:
        variables: those that keep the value that they have here.
        values: those that get another: a text, or a field of the row that was clicked.
    """
    same = [f"var-{name}=${{{name}}}" for name in ("datasource", *variables)]
    other = [f"var-{name}={value}" for name, value in values.items()]
    return f"/d/{uid}?" + "&".join([*same, *other, "${filters:queryparam}", "${__url_time_range}"])
