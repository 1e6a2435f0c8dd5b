"""``python -m tests.incidents``: which alerts each story of the demo fires, and when.

In simulated time, or with ``--live`` in real time with a real Prometheus.
"""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from pathlib import Path

from app.viewers.stories import NONE, PLOTS, story_named
from tests.incidents.alert_timeline import alert_timeline
from tests.incidents.live import live_story
from tests.incidents.simulated_worker import SimulatedWorker

STEP_SECONDS = 5.0


def main() -> int:
    """Print a line per alert: story, alert, the seconds at which it began and ended, slices."""
    parser = argparse.ArgumentParser(prog="python -m tests.incidents", description=__doc__)
    parser.add_argument("stories", nargs="*", default=[NONE, *PLOTS], help="all by default")
    parser.add_argument("--seconds", type=float, default=1500.0, help="how long each is played")
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--live", action="store_true", help="in real time")
    options = parser.parse_args()
    for name in options.stories:
        with tempfile.TemporaryDirectory() as folder:
            if options.live:
                lines = asyncio.run(_live(name, options.seconds, options.viewers, Path(folder)))
            else:
                lines = _simulated(name, options.seconds, options.viewers, Path(folder))
        for line in lines or ["no alert"]:
            print(f"{name}: {line}", flush=True)
    return 0


def _simulated(name: str, seconds: float, viewers: int, folder: Path) -> list[str]:
    story = story_named(name)
    incident = None if story is None else story.incident
    scrapes = SimulatedWorker().play(seconds, STEP_SECONDS, viewers, incident)
    timeline = alert_timeline(scrapes, folder)
    return [
        f"{alert} from {timeline.span(alert)[0]} s to {timeline.span(alert)[1]} s "
        + ", ".join(sorted(timeline.slices(alert) - {""}))
        for alert in sorted(timeline.names(), key=timeline.span)
    ]


async def _live(name: str, seconds: float, viewers: int, folder: Path) -> list[str]:
    names = ("API_ADDRESS", "METRICS_ADDRESS", "EMBEDDED_KAFKA_ADDRESS")
    own = {f"PLAYVITALS_{name}": f"127.0.0.1:{_free_port()}" for name in names}
    environ = {**os.environ, **own}
    async with live_story(story_named(name), environ, folder, _free_port, viewers) as story:
        while story.seconds < seconds:
            await story.look()
            await asyncio.sleep(STEP_SECONDS)
        return [
            f"{alert} from {first:.0f} s to {last:.0f} s"
            for alert, (first, last) in story.fired.items()
        ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
