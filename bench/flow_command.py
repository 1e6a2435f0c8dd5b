"""``playvitals bench flow``: what an event leads to."""

from dataclasses import asdict

import click
import orjson

from bench.machine import machine


@click.command()
@click.option(
    "--events-per-second",
    default=400,
    show_default=True,
    type=click.IntRange(50, 20_000),
    help="Of server time, in the one partition.",
)
@click.option(
    "--seconds",
    default=1_200,
    show_default=True,
    type=click.IntRange(60, 7_200),
    help="Of server time. A view that is left without a word stays open for 900.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of the generated load.")
def flow(events_per_second: int, seconds: int, seed: int) -> None:
    """Measure what an event leads to: bytes on each topic, open views, figures to merge.

    One partition in memory takes in the load of the other benchmarks, without broker. All but the
    time of merging is the same on every machine. The last line is one JSON object.

    \b
    Example:
      playvitals bench flow --events-per-second 2000
    """
    from bench.flow import measure_flow, rows_of_flow

    found = measure_flow(events_per_second, seconds, seed)
    for meaning, figure in rows_of_flow(found):
        click.echo(f"{figure:>10} {meaning}")
    click.echo(orjson.dumps(asdict(found) | {"seed": seed, "machine": machine()}).decode())
