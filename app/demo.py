"""The demo: the whole stack, synthetic viewers, an incident, and the figures live."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

import aiohttp
from rich.console import Console, RenderableType
from rich.live import Live

from app.events_client import EventsClient
from app.settings import Settings
from app.supervisor import running_stack
from app.viewers.display import CALM_DIMENSION, line, sent_news, table, telling
from app.viewers.figures import RollingFigures, read_figures
from app.viewers.sender import Tally, send_audience
from app.viewers.stories import Story
from models.errors import OperatorError

_CONNECTIONS = 20
# Longer than any restart of a broker; when the API itself is gone the whole demo ends anyway.
_RETRY_SECONDS = 300.0
_SCRAPE_TIMEOUT = aiohttp.ClientTimeout(total=2)
_TABLE_EVERY_SECONDS = 1.0
_LINE_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How many viewers, which seed, for how long (``seconds`` None: until stopped), and what goes
    wrong (``story`` None: nothing)."""

    viewers: int
    seed: int
    seconds: float | None
    story: Story | None


async def run_demo(
    settings: Settings, options: DemoOptions, *, welcome: str, out: TextIO | None = None
) -> None:
    """Run the demo until its time is over; cancelling it ends every process it started.

    Raises:
        OperatorError: the stack did not start, or a process of it ended.
    """
    console = Console(file=out)
    key = next(iter(settings.api_keys), None)
    if key is None:
        raise OperatorError("the demo needs an API key: set PLAYVITALS_API_KEYS")
    console.out("Starting broker, API and worker …", highlight=False)
    # On a terminal the output of the processes would tear the table apart.
    echo = None if console.is_terminal else sys.stderr
    tally, story = Tally(), options.story
    async with running_stack(settings, echo=echo):
        console.out(welcome, highlight=False)
        console.out("")
        show = asyncio.create_task(_show(settings, tally, story, console))
        try:
            async with EventsClient(
                settings.api_address.url,
                key,
                retry_seconds=_RETRY_SECONDS,
                connections=_CONNECTIONS,
                compress=True,
            ) as client:
                await send_audience(
                    client,
                    tally,
                    viewers=options.viewers,
                    seed=options.seed,
                    seconds=options.seconds,
                    incident=None if story is None else story.incident,
                )
        finally:
            show.cancel()
            await asyncio.gather(show, return_exceptions=True)
            console.out(sent_news(tally), highlight=False)


async def _show(settings: Settings, tally: Tally, story: Story | None, console: Console) -> None:
    window = settings.windows[0].label
    dimension = CALM_DIMENSION if story is None else story.incident.dimension
    started_seconds = time.monotonic()
    async with aiohttp.ClientSession(timeout=_SCRAPE_TIMEOUT) as session:

        async def refresh(
            seconds: float, draw: Callable[[RollingFigures | None, float], None]
        ) -> None:
            while True:
                figures = await _scrape(session, settings, window, dimension)
                draw(figures, time.monotonic() - started_seconds)
                await asyncio.sleep(seconds)

        if not console.is_terminal:
            told: list[str] = []

            def print_line(figures: RollingFigures | None, elapsed: float) -> None:
                nonlocal told
                told, before = telling(story, elapsed), told
                for text in (line(figures, tally, story, elapsed, window), *told):
                    # Lines stay: what they told before they need not tell again.
                    if text not in before:
                        console.out(text, highlight=False)

            await refresh(_LINE_EVERY_SECONDS, print_line)
        with Live(console=console, auto_refresh=False) as live:

            def draw_table(figures: RollingFigures | None, elapsed: float) -> None:
                shown: RenderableType = table(figures, tally, story, elapsed, window)
                live.update(shown, refresh=True)

            await refresh(_TABLE_EVERY_SECONDS, draw_table)


async def _scrape(
    session: aiohttp.ClientSession, settings: Settings, window: str, dimension: str
) -> RollingFigures | None:
    """The figures, or None where the worker does not answer just now."""
    try:
        async with session.get(f"{settings.metrics_address.url}/metrics") as response:
            return read_figures(await response.text(), window, dimension)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
