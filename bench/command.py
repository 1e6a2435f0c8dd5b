"""``playvitals bench``: how fast this machine does the main job, and what parts of it cost."""

import asyncio
from dataclasses import asdict

import click
import msgspec
import orjson

from app.commands.common import read_settings
from app.ports import free_port_pair
from bench.comparison_commands import everything, peers, quick
from bench.flow_command import flow
from bench.latency_command import latency
from bench.machine import machine
from bench.memory_commands import memory
from bench.scale_commands import growth, scaling
from bench.sizing import MAX_EVENTS
from bench.state_commands import checkpoints, dedupe, restart


@click.group(invoke_without_command=True)
@click.option(
    "--events",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(100_000, MAX_EVENTS),
    help="How many events the worker takes in, where no time is given.",
)
@click.option(
    "--sustained-seconds",
    type=click.FloatRange(10.0, 600.0),
    help="Measure for so long after a warm-up, with as many events as that needs.",
)
@click.option(
    "--fold-records",
    default=1000,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many records the worker takes in as one message.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of the generated load.")
@click.pass_context
def bench(
    ctx: click.Context,
    events: int,
    sustained_seconds: float | None,
    fold_records: int,
    seed: int,
) -> None:
    """Measure how many events per second one worker handles end to end, or what a part costs.

    An embedded broker of its own, or a topic of the Kafka of PLAYVITALS_KAFKA, is filled with
    generated events; then one worker process takes them in: validation, deduplication, views,
    windows, checkpoints, and all downstream topics. Nothing generates load while it works. The last
    line is one JSON object. Other work on the machine makes the figure lower.

    \b
    Example:
      playvitals bench --sustained-seconds 120
    """
    if ctx.invoked_subcommand is not None:
        return
    read_settings()
    from bench.sustained import sustained_worker
    from bench.worker_throughput import measure_worker

    click.echo("filling a topic with events, then starting one worker …")
    if sustained_seconds is None:
        result = asyncio.run(measure_worker(events, seed, free_port_pair(), fold_records))
    else:
        result = asyncio.run(sustained_worker(sustained_seconds, seed, fold_records))
    click.echo(
        f"{result.events_per_second:,.0f} events/s end to end in one worker process over "
        f"{result.seconds:.0f} s ({result.slowest_stretch_events_per_second:,.0f} at the slowest), "
        f"{result.cpu_us_per_event:.1f} us of its CPU time per event, "
        f"{result.longest_pause_ms:.0f} ms the longest pause for a checkpoint, "
        f"{result.resident_mib:,.0f} MiB resident"
    )
    report = {
        "worker_events_per_second": result.events_per_second,
        "worker_cpu_us_per_event": result.cpu_us_per_event,
        **msgspec.to_builtins(result),
        "seed": seed,
        "machine": machine(),
    }
    click.echo(orjson.dumps(report).decode())


@bench.command()
@click.option(
    "--seconds", default=20.0, show_default=True, type=click.FloatRange(2.0, 600.0), help="Of each."
)
def api(seconds: float) -> None:
    """Measure how many events per second one API process takes in, acknowledged by the broker.

    In batches of 10 and of 100, as fast as they are answered, and of 10 at half that rate, for the
    latency. The load comes from another process; broker, API and load share the machine. The last
    line is one JSON object.

    \b
    Example:
      playvitals bench api
    """
    read_settings()
    from bench.api_throughput import measure_api_levels

    results = asyncio.run(measure_api_levels(free_port_pair(), seconds))
    for name, result in results.items():
        click.echo(
            f"{name}: {result.events_per_second:,.0f} events/s, {result.cpu_us_per_event:.1f} us "
            f"of CPU time per event, {result.core_share:.0%} of a core (the load generator "
            f"{result.load_core_share:.0%}), answers within {result.p50_ms:.1f} ms (p50) and "
            f"{result.p99_ms:.1f} ms (p99)"
        )
    line = {name: asdict(result) for name, result in results.items()} | {"machine": machine()}
    click.echo(orjson.dumps(line).decode())


@bench.command()
@click.option(
    "--events", default=2_000_000, show_default=True, type=click.IntRange(100_000, 50_000_000)
)
@click.option(
    "--seconds",
    default=70.0,
    show_default=True,
    type=click.FloatRange(20.0, 3600.0),
    help="Server time that they span.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="Of the generated load.")
@click.option(
    "--huge-pages/--no-huge-pages", default=True, help="Where the system has them, as a worker."
)
def stages(events: int, seconds: float, seed: int, huge_pages: bool) -> None:
    """Measure what an event costs at each stage while the state grows, without broker and network.

    Twelve partitions in one process, with publications each second and checkpoints every ten, by
    parts of the load. The last line is one JSON object, with what the last part took. To see what a
    change costs, run it in both trees, in turns.

    \b
    Example:
      playvitals bench stages --events 5000000 --seconds 160
    """
    from app.runtime import tune_runtime
    from bench.stages import Stages, measure_stages

    tune_runtime(huge_pages)
    last: Stages | None = None
    for last in measure_stages(events, seconds, seed):
        click.echo(
            f"{last.events:,} events, {last.viewers:,} viewers: {last.apply_us:.2f} us to take one "
            f"in, {last.publish_us:.2f} for panes, {last.checkpoint_us:.2f} for checkpoints "
            f"({last.checkpoint_bytes:.0f} bytes per event, {last.longest_checkpoint_ms:.0f} ms "
            "the longest)"
        )
    if last is not None:
        report = asdict(last) | {"total_us": round(last.total_us, 2)}
        click.echo(orjson.dumps(report | {"seed": seed, "machine": machine()}).decode())


for command in (
    *(quick, peers, everything, dedupe, restart, checkpoints),
    *(growth, flow, latency, scaling, memory),
):
    bench.add_command(command)
