"""The subcommands of ``playvitals bench`` that measure what grows with what."""

import asyncio
from dataclasses import asdict
from typing import Any

import click
import orjson

from app.commands.common import read_settings
from bench.machine import machine


def report(line: dict[str, Any]) -> None:
    """The last line of a command."""
    click.echo(orjson.dumps(line | {"machine": machine()}).decode())


@click.command()
@click.option(
    "--events",
    default=20_000,
    show_default=True,
    type=click.IntRange(1_000, 1_000_000),
    help="How many events each side takes in, each round.",
)
@click.option("--rounds", default=8, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--share",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.001, 1.0),
    help="Of what the large sides hold, for a quicker look.",
)
def growth(events: int, rounds: int, share: float) -> None:
    """Measure whether an event costs the same whatever is remembered, and what the rest follows.

    A partition in memory, without broker: from 1 thousand to 1 million contents, from 10 thousand
    to 1 million sessions with open views, from no ids to 20 million, from 1 to 50 values of each
    dimension. Both sides take in events by turns, the least of the rounds counts. Beside it, what a
    publication of the panes costs, of which there is one per second. Then the rolling windows and
    the publications about contents: they follow slices and contents, not events. Takes some minutes
    and 4 GB. The last line is one JSON object.

    \b
    Example:
      playvitals bench growth --share 0.1
    """
    from bench.aggregates import measure_contents, measure_windows
    from bench.growth import CASES, measure_growth

    found: dict[str, Any] = {}
    click.echo(f"{'us of CPU time':32}{'per event':>24}{'per publication':>24}")
    click.echo(f"{'':32}{'small   large   ratio':>24}{'small    large':>24}")
    for name, case in CASES.items():
        case = case.scaled(share)
        grown = measure_growth(case, events, rounds)
        small, large = grown.small, grown.large
        click.echo(
            f"{case.label(name):32}{small.take_in_us:>8.2f}{large.take_in_us:>8.2f}"
            f"{grown.ratio:>8.3f}{small.publication_us:>15,.0f}{large.publication_us:>9,.0f}"
        )
        found[name] = asdict(grown) | {"holds": case.label(name)}
    click.echo(f"{'us of CPU time a second':32}{'small':>8}{'large':>8}{'ratio':>8}")
    aggregates = measure_windows(rounds, events // 40) | measure_contents(6 * rounds, 200)
    for name, seen in aggregates.items():
        click.echo(f"{name:32}{seen.small_us:>8,.0f}{seen.large_us:>8,.0f}{seen.ratio:>8.2f}")
        found[name] = asdict(seen) | {"ratio": round(seen.ratio, 3)}
    report(found)


@click.command()
@click.option(
    "--events",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(200_000, 5_000_000),
    help="How many events the backlog holds.",
)
@click.option(
    "--rounds", default=2, show_default=True, type=click.IntRange(1, 20), help="Of each number."
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of the generated load.")
def scaling(events: int, rounds: int, seed: int) -> None:
    """Measure what a second worker adds to the first.

    One worker, and two that share the partitions, take in the same backlog from an embedded broker
    of its own, on which it lies before they start: the load generator costs them nothing. The CPU
    time of the broker, which has no core of its own on a small machine, is measured beside theirs.
    The last line is one JSON object.

    \b
    Example:
      playvitals bench scaling --rounds 3
    """
    read_settings()
    from bench.scaling import measure_scaling

    click.echo(f"one worker and two take in {events:,} events each, by turns …")
    result = asyncio.run(measure_scaling(events, rounds, seed))
    for reached in (result.one, result.two):
        click.echo(
            f"{reached.workers} at work: {reached.events_per_second:,.0f} events/s; "
            f"{reached.worker_cpu_us:.2f} us of the workers' CPU time per event, "
            f"{reached.broker_cpu_us:.2f} us of the broker's; at most {reached.largest_share:.1%} "
            "of the events in one worker"
        )
    click.echo(
        f"{result.by_wall_clock:.2f} times by wall clock, of {result.limit_here:.2f} that the "
        f"cores here allow with the broker on them; {result.by_cpu:.2f} times by CPU time, with a "
        "core for each"
    )
    report(asdict(result))
