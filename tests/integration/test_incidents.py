"""The alerts that the demo's stories fire: which, when, and that nothing else does."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.viewers.stories import PLOTS, story_named
from tests.incidents.alert_timeline import AlertTimeline, alert_timeline
from tests.incidents.live import live_story
from tests.incidents.simulated_worker import SimulatedWorker
from tests.support.prometheus import SKIP_REASON, missing_prometheus
from tests.support.waiting import until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.acceptance,
    pytest.mark.skipif(
        missing_prometheus() or shutil.which("promtool") is None, reason=SKIP_REASON
    ),
]

VIEWERS = 100
QUIET_SECONDS = 1_200.0
TOLERANCE_SECONDS = 60
BEGINS = {
    "spike": {"RebufferSpike": 30, "SliceRebuffering": 80},
    "cdn-outage": {"RebufferSpike": 110, "SliceRebuffering": 150, "SliceFailures": 340},
    "bad-release": {"SliceFailures": 220, "StartupSlow": 660, "PlaybackFailures": 775},
}
"""Seconds since the viewers began, as docs/operations/incidents.md tells them."""
ENDS = {"spike": 675, "cdn-outage": 835, "bad-release": 2225}
"""When the last of them is over: slices stay in the five minutes, and sessions keep a version."""


def played(name: str, seconds: float, folder: Path) -> AlertTimeline:
    story = story_named(name)
    incident = None if story is None else story.incident
    return alert_timeline(SimulatedWorker().play(seconds, 5.0, VIEWERS, incident), folder)


def test_quiet_times_fire_nothing(tmp_path: Path) -> None:
    assert played("none", QUIET_SECONDS, tmp_path).names() == set()


@pytest.mark.parametrize("name", PLOTS)
def test_story_fires_the_alerts_that_it_names_and_no_others(name: str, tmp_path: Path) -> None:
    story = story_named(name)
    assert story is not None
    timeline = played(name, ENDS[name] + 2 * TOLERANCE_SECONDS, tmp_path)
    assert timeline.names() == set(story.alerts) == set(BEGINS[name])
    for alert, begins in BEGINS[name].items():
        first, last = timeline.span(alert)
        assert first == pytest.approx(begins, abs=TOLERANCE_SECONDS), alert
        assert last <= ENDS[name] + TOLERANCE_SECONDS, alert
        culprit = f"{story.incident.dimension}={story.incident.value}"
        if alert.startswith("Slice"):
            assert timeline.slices(alert) == {culprit}


async def test_spike_of_the_demo_is_paged_within_a_minute_and_resolves(
    environ_for: Callable[..., dict[str, str]], free_port: Callable[[], int], tmp_path: Path
) -> None:
    story = story_named("spike", 15.0, 40.0)
    assert story is not None
    environ = environ_for(PARTITIONS="4")
    async with live_story(story, environ, tmp_path / "prometheus", free_port, VIEWERS) as live:

        async def fires() -> bool:
            return "RebufferSpike" in await live.look()

        async def has_ended() -> bool:
            return "RebufferSpike" not in await live.look()

        await until(fires, "RebufferSpike fires", 75.0)
        assert live.seconds <= 15.0 + 60.0
        await until(has_ended, "RebufferSpike resolves", 240.0)
        assert set(live.fired) <= set(story.alerts)
