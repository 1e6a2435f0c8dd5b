"""``playvitals replay``: recorded events, played again."""

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import click

from app.commands.common import read_settings
from app.interrupts import run_until_stopped
from app.replay.options import Duration, Speed
from app.replay.progress import progress_bar
from app.replay.reading import STDIN, Recording
from app.replay.running import Plan, planned_lines
from app.replay.running import replay as run_replay
from app.replay.summary import Summary
from app.replay.targets import Target
from app.settings import Settings
from models.errors import OperatorError
from models.verdicts import TOO_OLD


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where to: the events API with a key, or the raw topic where ``api_url`` is None."""

    api_url: str | None
    key: str
    retry_seconds: float


@click.command()
@click.argument("file")
@click.option(
    "--to",
    type=click.Choice(["api", "topic"]),
    help="The events API, or the raw topic directly.  [default: api; with --keep-time: topic]",
)
@click.option("--api-url", help="The API's address.  [default: PLAYVITALS_API_ADDRESS]")
@click.option("--key", help="The API key.  [default: the first of PLAYVITALS_API_KEYS]")
@click.option(
    "--shift-to-now",
    is_flag=True,
    help="Move all timestamps by the same amount so that the last event lands at now.",
)
@click.option(
    "--keep-time",
    is_flag=True,
    help="Raw topic only: each record carries the time of its event. For a topic created with "
    "'playvitals topics create --history', or the embedded broker.",
)
@click.option(
    "--settle",
    type=Duration(),
    help="With --keep-time: ticks that move the clock on by that much after the last line, so "
    "that views end and windows slide. For example 20m.",
)
@click.option(
    "--speed",
    type=Speed(),
    help="A multiple of real time, by the events' timestamps.  [default: as fast as possible]",
)
@click.option(
    "--retry-seconds",
    type=click.FloatRange(0, 3600),
    default=60.0,
    show_default=True,
    help="How long to go on trying while the API or the broker is away.",
)
def replay(
    file: str,
    to: str | None,
    api_url: str | None,
    key: str | None,
    shift_to_now: bool,
    keep_time: bool,
    settle: int | None,
    speed: float | None,
    retry_seconds: float,
) -> None:
    """Replay recorded events from FILE: one JSON event per line, plain or gzip, '-' for stdin.

    Prints how many lines were sent, received (durable) and refused. Events keep their ids, so a
    second replay within 24 hours counts as duplicates.

    \b
    Examples:
      playvitals replay events.ndjson.gz --shift-to-now
      playvitals replay events.ndjson.gz --keep-time --settle 20m
    """
    if keep_time and to == "api":
        raise click.UsageError("--keep-time sets record times, which only --to topic can")
    if keep_time and shift_to_now:
        raise click.UsageError("--keep-time and --shift-to-now exclude each other")
    if settle is not None and not keep_time:
        raise click.UsageError("--settle moves the clock of a history; it needs --keep-time")
    if shift_to_now and file == STDIN:
        raise click.UsageError("--shift-to-now reads the events twice, so it needs a file")
    settings = read_settings()
    to_topic = keep_time or to == "topic"
    if to_topic and (api_url is not None or key is not None):
        raise click.UsageError("--api-url and --key have no use with the raw topic as target")
    key = key or next(iter(settings.api_keys), None)
    if key is None and not to_topic:
        raise click.UsageError("no API key: give --key, or set PLAYVITALS_API_KEYS")
    destination = _Destination(
        None if to_topic else api_url or settings.api_address.url, key or "", retry_seconds
    )
    plan = Plan(
        keep_time=keep_time,
        shift_to_now=shift_to_now,
        speed=speed,
        settle_seconds=settle or 0,
        tick_seconds=settings.tick_seconds,
    )
    summary = Summary()
    try:
        run_until_stopped(_run(settings, Recording(file), plan, destination, summary))
    finally:
        if summary.sent:
            click.echo(summary.text())
        if summary.refused[TOO_OLD]:
            click.echo(
                "playvitals: events over 24 hours old are refused; --shift-to-now moves all of "
                "them to the present",
                err=True,
            )
    if not summary.finished:
        raise OperatorError("stopped before the end of the file")


async def _run(
    settings: Settings,
    recording: Recording,
    plan: Plan,
    destination: _Destination,
    summary: Summary,
) -> None:
    lines = planned_lines(recording, plan, time.time_ns() // 1_000_000)
    opened: AbstractAsyncContextManager[Target]
    with progress_bar(recording, summary) as on_line:
        if destination.api_url is None:
            # Each target brings a client of its own, of which only one is needed.
            from app.replay.to_topic import topic_target

            opened = topic_target(
                settings, summary, plan.keep_time, timeout_seconds=destination.retry_seconds
            )
        else:
            from app.replay.to_api import api_target

            opened = api_target(
                destination.api_url, destination.key, summary, destination.retry_seconds
            )
        async with opened as target:
            await run_replay(lines, plan, target, summary, on_line=on_line)
    summary.finished = True
