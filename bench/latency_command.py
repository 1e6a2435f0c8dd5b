"""``playvitals bench latency``: how fresh figures are."""

import asyncio

import click
import msgspec
import orjson

from app.commands.common import read_settings
from bench.machine import machine


@click.command()
@click.option(
    "--seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(2.0, 600.0),
    help="For how long each share of the capacity is measured.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of the generated load.")
def latency(seconds: float, seed: int) -> None:
    """Measure how long an event takes from the API to /metrics, at shares of the capacity.

    Broker, API, worker and load run as processes of their own on this machine. First the highest
    rate that they keep up with together is searched for, in batches of 10; then single probe events
    are followed among 25, 50 and 90 % of it, from before they are sent until a scrape of the
    rolling figures shows them. The last line is one JSON object.

    \b
    Example:
      playvitals bench latency --seconds 60
    """
    read_settings()
    from bench.latency import measure_latency

    result = asyncio.run(measure_latency(seconds, seed, lambda text: click.echo(f"  {text}")))
    click.echo(f"capacity of the whole stack on this machine: {result.capacity:,.0f} events/s")
    click.echo(
        f"{'share':>6}{'events/s':>11}{'probes':>8}{'p50 s':>8}{'p99 s':>8}{'at most':>9}"
        "  cores used"
    )
    for level in result.levels:
        bound = "" if level.bound_seconds is None else f"{level.bound_seconds:.0f}"
        cores = ", ".join(f"{name} {used:.2f}" for name, used in level.load.cores.items())
        click.echo(
            f"{level.share:>6.0%}{level.load.answered_events_per_second:>11,.0f}"
            f"{level.probes:>8,}{level.p50_seconds:>8.2f}{level.p99_seconds:>8.2f}{bound:>9}  "
            f"{cores}"
        )
    line = msgspec.to_builtins(result) | {"seed": seed, "machine": machine()}
    click.echo(orjson.dumps(line).decode())
