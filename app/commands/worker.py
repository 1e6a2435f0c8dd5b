"""``playvitals worker``: one stream worker alone."""

import asyncio

import click

from app.commands.common import check_core, read_settings


@click.command()
def worker() -> None:
    """Run one stream worker alone.

    It turns the raw topic into accepted events, views and rolling figures, and serves them on
    PLAYVITALS_METRICS_ADDRESS (127.0.0.1:6066) under /metrics. Workers with the same Kafka and
    topic prefix share the partitions; give each its own metrics address.

    \b
    Example:
      PLAYVITALS_KAFKA=localhost:9092 PLAYVITALS_METRICS_ADDRESS=127.0.0.1:6067 playvitals worker
    """
    settings = read_settings()
    check_core()
    from app.runtime import tune_runtime
    from app.worker import run_worker

    tune_runtime()
    asyncio.run(run_worker(settings))
