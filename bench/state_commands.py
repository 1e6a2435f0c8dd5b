"""The subcommands of ``playvitals bench`` that measure what state costs."""

import asyncio
from dataclasses import asdict

import click
import orjson

from app.commands.common import read_settings
from app.ports import free_port_pair
from bench.machine import machine


@click.command()
@click.option(
    "--ids",
    default=20_000_000,
    show_default=True,
    type=click.IntRange(1000, 200_000_000),
    help="How many different event ids are remembered.",
)
@click.option(
    "--partitions",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many partitions share them: each remembers its own.",
)
def dedupe(ids: int, partitions: int) -> None:
    """Measure the memory and the time that remembering event ids takes.

    The ids are spread over 24 hours, with one duplicate in ten events. A second measurement
    restores half as many, 10 million with the default, from pieces as checkpoints leave them. The
    last line is one JSON object.

    \b
    Example:
      playvitals bench dedupe --partitions 12
    """
    from bench.dedupe import measure_filling, measure_restore, rows_of_ids

    click.echo(f"remembering {ids:,} ids over 24 hours, and restoring half as many …")
    filled = measure_filling(ids, partitions)
    restored = measure_restore(ids // 2, partitions)
    for meaning, figure in rows_of_ids(filled, restored):
        click.echo(f"{figure:>10} {meaning}")
    report = {
        **asdict(filled),
        "lookups_per_second": round(1e6 / filled.us_per_event),
        **asdict(restored),
        "partitions": partitions,
        "machine": machine(),
    }
    click.echo(orjson.dumps(report).decode())


@click.command()
@click.option(
    "--viewers",
    default=200_000,
    show_default=True,
    type=click.IntRange(1000, 5_000_000),
    help="How many viewers are watching, each with an open view.",
)
def restart(viewers: int) -> None:
    """Measure how long a worker with that much state takes to be ready after a kill -9.

    On an embedded broker of its own, or on the Kafka of PLAYVITALS_KAFKA under a topic prefix of
    its own. The last line is one JSON object.

    \b
    Example:
      playvitals bench restart --viewers 1000000
    """
    read_settings()
    from bench.restart import measure_restart

    click.echo(f"giving a worker {viewers:,} open views, then killing it …")
    result = asyncio.run(measure_restart(viewers, free_port_pair()))
    click.echo(
        f"ready {result.ready_seconds:.1f} s after the start, with {result.stored_mib:,.0f} MiB of "
        f"checkpoints ({result.resident_mib:,.0f} MiB resident); the longest pause for a "
        f"checkpoint was {result.longest_pause_ms:.0f} ms"
    )
    click.echo(orjson.dumps(asdict(result) | {"machine": machine()}).decode())


@click.command()
@click.option(
    "--events",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(100_000, 5_000_000),
    help="How many events the worker takes in, each time.",
)
@click.option(
    "--rounds", default=2, show_default=True, type=click.IntRange(1, 20), help="Of each kind."
)
def checkpoints(events: int, rounds: int) -> None:
    """Measure what checkpoints cost: throughput with them and, by turns, without.

    Without means that none falls into the measurement. Where the broker is and what the last line
    is: as with restart.

    \b
    Example:
      playvitals bench checkpoints --rounds 3
    """
    read_settings()
    from bench.worker_throughput import measure_worker

    rates: dict[str, list[float]] = {"with": [], "without": []}
    for seed in range(1, rounds + 1):
        for kind, seconds in (("with", 10), ("without", 3600)):
            result = asyncio.run(
                measure_worker(events, seed, free_port_pair(), checkpoint_seconds=seconds)
            )
            rates[kind].append(result.events_per_second)
            click.echo(f"{kind} checkpoints: {result.events_per_second:,.0f} events/s")
    ratio = sum(rates["with"]) / sum(rates["without"])
    click.echo(f"with checkpoints {ratio:.0%} of the throughput without")
    report = {
        "with_checkpoints_events_per_second": rates["with"],
        "without_checkpoints_events_per_second": rates["without"],
        "ratio": round(ratio, 4),
        "machine": machine(),
    }
    click.echo(orjson.dumps(report).decode())
