"""``playvitals up``: broker, API and worker in one terminal."""

import asyncio
import json
import sys

import click

from app.commands.common import read_settings
from app.settings import DEMO_KEYS, Settings


@click.command()
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many; each after the first serves its metrics one port further.",
)
def up(workers: int) -> None:
    """Run broker, API and worker together.

    The whole pipeline in one terminal: a Kafka broker, the events API and a stream worker, or
    several, which share the partitions. Without PLAYVITALS_KAFKA it starts the embedded broker,
    which keeps its records in memory. Prints the addresses and a curl to send a first event.
    Ctrl-C stops all of it.

    \b
    Examples:
      playvitals up
      playvitals up --workers 2
      PLAYVITALS_KAFKA=localhost:9092 PLAYVITALS_API_KEYS=pk_live_abc playvitals up
    """
    settings = read_settings()
    from app.interrupts import run_until_stopped

    run_until_stopped(_up(settings, workers))


async def _up(settings: Settings, workers: int) -> None:
    from app.supervisor import running_stack

    async with running_stack(settings, workers=workers, echo=sys.stderr):
        click.echo(welcome(settings, workers))
        # Until a signal cancels this, or the stack does because a process of it ended.
        await asyncio.Event().wait()


def welcome(settings: Settings, workers: int = 1) -> str:
    """What the terminal shows once everything is ready."""
    broker = settings.bootstrap_servers
    if settings.embedded:
        broker += "  (embedded, in memory)"
    metrics = f"{settings.metrics_address.url}/metrics"
    if workers > 1:
        metrics += f"  (and the {workers - 1} ports after it, one per worker)"
    return "\n".join(
        (
            "playvitals is running.",
            "",
            f"  live page   {settings.api_address.url}/",
            f"  events API  {settings.api_address.url}  (documentation under /docs)",
            f"  metrics     {metrics}",
            f"  Kafka       {broker}",
            "",
            "Send an event, then look at the metrics:",
            "",
            first_curl(settings),
            "",
            "Ctrl-C stops all of it.",
        )
    )


def first_curl(settings: Settings) -> str:
    """A command that sends one event, ready to paste.

    It shows a key only where that is one of the demo's: others stay out of terminals and logs.
    """
    key = DEMO_KEYS[0]
    if key not in settings.api_keys:
        key = f"pk_{settings.environment}_YOUR_KEY"
    event = {
        "event": "playStart",
        "contentId": "video-1",
        "sessionId": "session-1",
        "platform": "web",
        "data": {"startupTime": 420, "rendition": "720p", "codec": "h264"},
    }
    body = json.dumps(event, separators=(",", ":"))
    return (
        f"curl -s {settings.api_address.url}/v1/events -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
