"""``playvitals bench``: how fast this machine does the main job."""

import asyncio
import os
import platform
from dataclasses import asdict

import click
import orjson

from app.commands.common import read_settings
from app.ports import free_port_pair


@click.command()
@click.option(
    "--events",
    default=500_000,
    show_default=True,
    type=click.IntRange(10_000, 5_000_000),
    help="How many events the worker takes in.",
)
@click.option(
    "--fold-records",
    default=1000,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many records the worker takes in as one message.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of the generated load.")
def bench(events: int, fold_records: int, seed: int) -> None:
    """Measure how many events per second one worker handles end to end.

    An embedded broker of its own is filled with generated events; then one worker process takes
    them in: validation, deduplication, views, windows, and all downstream topics. The last line
    is one JSON object. Other work on the machine makes the figure lower.

    \b
    Example:
      playvitals bench --events 1000000
    """
    read_settings()
    from bench.worker_throughput import measure_worker

    click.echo(f"filling an embedded broker with {events:,} events, then starting one worker …")
    result = asyncio.run(measure_worker(events, seed, free_port_pair(), fold_records))
    click.echo(
        f"{result.events_per_second:,.0f} events/s end to end in one worker process, "
        f"{result.cpu_us_per_event:.1f} us of its CPU time per event, "
        f"{result.resident_mib:,.0f} MiB resident"
    )
    report = {
        "worker_events_per_second": result.events_per_second,
        "worker_cpu_us_per_event": result.cpu_us_per_event,
        **asdict(result),
        "seed": seed,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }
    click.echo(orjson.dumps(report).decode())
