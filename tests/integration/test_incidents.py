"""The alerts that the demo's stories fire: which, when, and that nothing else does."""

import re
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
HEALTHY_SECONDS = 600.0
TOLERANCE_SECONDS = 15
DOCUMENT = Path(__file__).parents[2] / "docs" / "operations" / "incidents.md"
ROW = re.compile(
    r"^\| (?P<story>[\w-]*)[^|]*\| `(?P<alert>\w+)` \| (?P<fires>\d+) \| (?P<ends>\d+) \|"
    r" (?:`(?P<names>[^`]+)` )?\|$",
    re.M,
)


def documented() -> dict[str, dict[str, tuple[int, int, set[str]]]]:
    """By story and alert: when it fires and ends, in seconds, and the slices that it names."""
    found: dict[str, dict[str, tuple[int, int, set[str]]]] = {}
    story = ""
    for row in ROW.finditer(DOCUMENT.read_text()):
        story = row["story"] or story
        names = {row["names"] or ""}
        found.setdefault(story, {})[row["alert"]] = int(row["fires"]), int(row["ends"]), names
    return found


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
    expected = documented()[name]
    over = max(ends for _, ends, _ in expected.values())
    timeline = played(name, over + 4 * TOLERANCE_SECONDS, tmp_path)
    assert timeline.names() == set(story.alerts) == set(expected)
    for alert, (fires, ends, slices) in expected.items():
        first, last = timeline.span(alert)
        assert first == pytest.approx(fires, abs=TOLERANCE_SECONDS), alert
        assert last == pytest.approx(ends, abs=TOLERANCE_SECONDS), alert
        assert timeline.slices(alert) == slices, alert


@pytest.mark.timeout(HEALTHY_SECONDS + 180.0)
async def test_nothing_fires_in_ten_minutes_of_healthy_traffic(
    environ_for: Callable[..., dict[str, str]], free_port: Callable[[], int], tmp_path: Path
) -> None:
    environ = environ_for(PARTITIONS="4")
    async with live_story(None, environ, tmp_path / "prometheus", free_port, VIEWERS) as live:

        async def is_over() -> bool:
            await live.look()
            return live.seconds >= HEALTHY_SECONDS

        await until(is_over, "ten minutes are over", HEALTHY_SECONDS + 60.0)
        assert live.fired == {}
        assert await live.scraped() == {"playvitals-worker", "playvitals-api"}


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
        assert "cdn=cdn-b explains" in live.descriptions["RebufferSpike"]
        await until(has_ended, "RebufferSpike resolves", 240.0)
        assert set(live.fired) <= set(story.alerts)
