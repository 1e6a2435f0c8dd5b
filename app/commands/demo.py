"""``playvitals demo``: the whole stack with synthetic viewers."""

import click

from app.commands.common import read_settings
from app.commands.up import welcome
from app.viewers.stories import NONE, PLOTS, SPIKE, story_named


def _defaults(field: str) -> str:
    return ", ".join(f"{getattr(plot, field):g} for {name}" for name, plot in PLOTS.items())


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
@click.option(
    "--incident",
    type=click.Choice([*PLOTS, NONE]),
    default=SPIKE,
    show_default=True,
    help="What goes wrong.",
)
@click.option(
    "--incident-after",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help=f"When it begins.  [default: {_defaults('after_seconds')}]",
)
@click.option(
    "--incident-seconds",
    type=click.FloatRange(min=30),
    metavar="SECONDS",
    help=f"How long it lasts.  [default: {_defaults('lasting_seconds')}]",
)
def demo(
    viewers: int,
    seed: int,
    seconds: float | None,
    incident: str,
    incident_after: float | None,
    incident_seconds: float | None,
) -> None:
    """Run the stack with synthetic viewers.

    Starts broker, API and worker as 'playvitals up' does, and people who watch a feed of short
    videos. Then something goes wrong and gets well again; what to look for is said while it
    happens. Ctrl-C stops all of it.

    \b
      spike        playback through one CDN stalls for a minute
      cdn-outage   one CDN fails: no starts, slow starts, stalls, and viewers who leave
      bad-release  a new app version rolls out, is slow and fails, and is rolled back
      none         nothing goes wrong

    \b
    Examples:
      playvitals demo
      playvitals demo --viewers 300 --seconds 120
      playvitals demo --incident cdn-outage --incident-after 120
    """
    settings = read_settings()
    from app.demo import DemoOptions, run_demo
    from app.interrupts import run_until_stopped

    story = story_named(incident, incident_after, incident_seconds)
    options = DemoOptions(viewers, seed, seconds, story)
    run_until_stopped(run_demo(settings, options, welcome=welcome(settings)))
