"""The subcommands of ``playvitals bench`` that measure several programs, or everything."""

import asyncio
from pathlib import Path

import click
import orjson

from app.commands.common import read_settings
from bench.machine import described, machine

_seconds = click.option(
    "--seconds",
    default=25.0,
    show_default=True,
    type=click.FloatRange(2.0, 600.0),
    help="For how long each is measured, about.",
)
_sustained = click.option(
    "--sustained-seconds",
    type=click.FloatRange(10.0, 600.0),
    help="For how long our worker is, after its warm-up; as the others unless given.",
)
_seed = click.option(
    "--seed", default=1, show_default=True, type=int, help="Of the generated load."
)
_output = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for a JSON file per step and a Markdown file with the tables.",
)


@click.command()
@click.option(
    "--seconds",
    default=15.0,
    show_default=True,
    type=click.FloatRange(2.0, 600.0),
    help="For how long worker and API are measured, each, about.",
)
@click.option(
    "--peer-events",
    default=15_000,
    show_default=True,
    type=click.IntRange(1_000, 1_000_000),
    help="How many events textbook Faust takes in: its rate counts, and it takes longer.",
)
@_seed
def quick(seconds: float, peer_events: int, seed: int) -> None:
    """Measure the worker, textbook Faust and the API one after the other, in three minutes.

    Each on an embedded broker of its own. Worker and Faust must count what the load holds. The last
    line is one JSON object. Other work on the machine makes the figures lower; the ratio less so.

    \b
    Example:
      playvitals bench quick
    """
    read_settings()
    from bench.quick import measure_quick

    report = asyncio.run(measure_quick(seconds, peer_events, seconds, seed))
    worker, peer, api = report.worker, report.plain_faust, report.api
    for name, rate, cpu_us in (
        ("playvitals worker", worker.events_per_second, worker.cpu_us_per_event),
        ("textbook Faust", peer.events_per_second, peer.cpu_us_per_event),
        ("playvitals API, batches of 10", api.events_per_second, api.cpu_us_per_event),
    ):
        click.echo(f"{name:30} {rate:>10,.0f} events/s {cpu_us:>8.1f} us of CPU time per event")
    click.echo(f"the worker does {report.ratio:.0f} times what textbook Faust does")
    line = {
        "worker_events_per_second": worker.events_per_second,
        "worker_cpu_us_per_event": worker.cpu_us_per_event,
        "worker_events": worker.events,
        "worker_seconds": worker.seconds,
        "plain_faust_events_per_second": peer.events_per_second,
        "plain_faust_cpu_us_per_event": peer.cpu_us_per_event,
        "ratio": round(report.ratio, 2),
        "api_events_per_second": api.events_per_second,
        "api_cpu_us_per_event": api.cpu_us_per_event,
        "api_p99_ms": api.p99_ms,
        "seed": seed,
        "machine": machine(),
    }
    click.echo(orjson.dumps(line).decode())


@click.command()
@_seconds
@_sustained
@_seed
@_output
def peers(seconds: float, sustained_seconds: float | None, seed: int, output: Path | None) -> None:
    """Measure our worker and the same job in other frameworks, one after the other.

    Textbook Faust, Quix Streams, Bytewax and a hand-written loop, each on an embedded broker of its
    own, or all on the Kafka of PLAYVITALS_KAFKA. Each must count what its load holds. They are in
    the environment that "tools/setup bench" makes. The last line is one JSON object.

    \b
    Example:
      .venv-bench/bin/playvitals bench peers --sustained-seconds 120
    """
    _run(("peers",), seconds, sustained_seconds, seed, output)


@click.command(name="all")
@_seconds
@_sustained
@_seed
@_output
@click.option("--only", multiple=True, metavar="STEP", help="Of the steps; can be repeated.")
def everything(
    seconds: float,
    sustained_seconds: float | None,
    seed: int,
    output: Path | None,
    only: tuple[str, ...],
) -> None:
    """Measure everything, one step after the other: what "make bench" runs.

    On embedded brokers, or on the Kafka of PLAYVITALS_KAFKA. The last line is one JSON object.

    \b
    Example:
      .venv-bench/bin/playvitals bench all --output bench-results --only peers --only api
    """
    _run(only, seconds, sustained_seconds, seed, output)


def _run(
    only: tuple[str, ...],
    seconds: float,
    sustained_seconds: float | None,
    seed: int,
    output: Path | None,
) -> None:
    read_settings()
    from bench.comparison import require_installed
    from bench.reports import report_of, table, write_report, write_tables
    from bench.step import Plan
    from bench.steps import STEPS

    names = [step.name for step in STEPS]
    if unknown := [name for name in only if name not in names]:
        raise click.BadParameter(f"{unknown[0]} is none of {', '.join(names)}", param_hint="--only")
    steps = [step for step in STEPS if not only or step.name in only]
    if any(step.name == "peers" for step in steps):
        require_installed()
    plan = Plan(seconds, sustained_seconds or seconds, seed)
    facts = machine()
    click.echo(f"{described(facts)}; other work on the machine makes the figures lower")
    done, reports = [], {}
    for step in steps:
        click.echo(f"\n{step.title}")
        findings = asyncio.run(step.measure(plan, lambda text: click.echo(f"  measuring {text} …")))
        report = report_of(step, findings, facts, plan)
        click.echo(table(findings))
        done.append((step, findings))
        reports[step.name] = report
        if output is not None:
            # After every step: the next one may fail, and this one took minutes.
            write_report(output, report)
            write_tables(output, done, facts)
    click.echo(orjson.dumps(reports).decode())
