"""A story in real time: the whole stack, the demo's viewers, and a real Prometheus."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from app.events_client import EventsClient
from app.settings import load_settings
from app.supervisor import running_stack
from app.viewers.sender import Tally, send_audience
from app.viewers.stories import Story
from tests.incidents.alert_timeline import RULES, STEP_SECONDS
from tests.support.prometheus import Prometheus, running_prometheus, scrape_config


class LiveStory:
    """A story that is being played, and the alerts that Prometheus has seen fire.

    Times are seconds since the viewers began.
    """

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._started_seconds = time.monotonic()
        self.fired: dict[str, tuple[float, float]] = {}
        """The first and the last second at which each alert was seen."""
        self.descriptions: dict[str, str] = {}
        """What each alert said when it was first seen."""

    @property
    def seconds(self) -> float:
        """How long it has been played."""
        return time.monotonic() - self._started_seconds

    async def scraped(self) -> set[str]:
        """The jobs whose processes have all answered every scrape of the last five minutes."""
        jobs = "min by (job) (min_over_time(up[5m])) == 1"
        return {sample["metric"]["job"] for sample in await self._prometheus.query(jobs)}

    async def look(self) -> set[str]:
        """The names of the alerts that fire now."""
        firing = {
            alert["labels"]["alertname"]: alert["annotations"]["description"]
            for alert in await self._prometheus.alerts()
            if alert["state"] == "firing"
        }
        for name, description in firing.items():
            self.descriptions.setdefault(name, description)
            first, _ = self.fired.get(name, (self.seconds, 0.0))
            self.fired[name] = first, self.seconds
        return set(firing)


@asynccontextmanager
async def live_story(
    story: Story | None,
    environ: Mapping[str, str],
    folder: Path,
    free_port: Callable[[], int],
    viewers: int,
) -> AsyncIterator[LiveStory]:
    """Play a story (None: quiet times) with scrapes and evaluations every 5 s, as shipped."""
    settings = load_settings(environ)
    config = scrape_config(
        {
            "playvitals-worker": [str(settings.metrics_address)],
            "playvitals-api": [str(settings.api_address)],
        },
        interval_seconds=STEP_SECONDS,
        rule_files=sorted(RULES.glob("*.yml")),
    )
    async with (
        running_stack(settings, environ),
        running_prometheus(folder, free_port, config) as prometheus,
        EventsClient(
            settings.api_address.url,
            settings.api_keys[0],
            retry_seconds=60.0,
            connections=20,
            compress=True,
        ) as client,
    ):
        sending = asyncio.create_task(
            send_audience(
                client,
                Tally(),
                viewers=viewers,
                seed=1,
                seconds=None,
                incident=None if story is None else story.incident,
            )
        )
        try:
            yield LiveStory(prometheus)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
