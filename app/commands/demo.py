"""``playvitals demo``: the whole stack with synthetic viewers."""

import click

from app.commands.common import read_settings
from app.commands.up import welcome


@click.command()
@click.option(
    "--viewers",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Viewers at a time. Each sends about one event every two seconds.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="The same seed gives the same viewers doing the same things.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after this time.  [default: until Ctrl-C]",
)
def demo(viewers: int, seed: int, seconds: float | None) -> None:
    """Run the stack with synthetic viewers.

    Starts broker, API and worker as 'playvitals up' does, and people who watch a feed of short
    videos. After 8 seconds one CDN gets into trouble for a minute: a rebuffer spike to look at.
    Ctrl-C stops all of it.

    \b
    Examples:
      playvitals demo
      playvitals demo --viewers 300 --seconds 120
    """
    settings = read_settings()
    from app.demo import DemoOptions, run_demo
    from app.interrupts import run_until_stopped

    options = DemoOptions(viewers, seed, seconds)
    run_until_stopped(run_demo(settings, options, welcome=welcome(settings)))
