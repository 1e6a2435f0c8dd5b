"""What the stories do to the figures of the slice that they are about, and to the others."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile

import pytest

from app.viewers.model import TimedEvent, audience_events, viewer_events
from app.viewers.stories import NEW_VERSION, NONE, PLOTS, SPIKE, Story, story_named

BASE_MS = 1_767_323_045_000
MINUTE_MS = 60_000


@dataclass
class Seen:
    """What the views of some events show."""

    startups_ms: list[int] = field(default_factory=list)
    names: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def share(self, holds: Callable[[set[str]], bool]) -> float:
        return sum(map(holds, self.names.values())) / len(self.names)

    @property
    def start_failures(self) -> float:
        return self.share(lambda names: "error" in names and "playStart" not in names)

    @property
    def playback_failures(self) -> float:
        return self.share(lambda names: "fatal" in names and "playStart" in names)

    @property
    def stalled(self) -> float:
        return self.share(lambda names: "rebuffer" in names)

    @property
    def p50_ms(self) -> int:
        return sorted(self.startups_ms)[len(self.startups_ms) // 2]


def seen(events: Iterable[TimedEvent]) -> Seen:
    found = Seen()
    for _, event in events:
        if "contentId" not in event:
            continue
        names = found.names[event["sessionId"], event["contentId"]]
        names.add(event["event"])
        data = event.get("data", {})
        if event["event"] == "playStart":
            found.startups_ms.append(data["startupTime"])
        if data.get("fatal"):
            names.add("fatal")
    return found


@cache
def played(name: str) -> tuple[Story, list[TimedEvent]]:
    """A story at its own times, and all that 100 viewers do until five minutes after its end."""
    story = story_named(name)
    assert story is not None
    end_ms = story.incident.end_ms + 5 * MINUTE_MS
    events = audience_events(7, 100, BASE_MS, incident=story.incident)
    return story, list(takewhile(lambda timed: timed[0] < end_ms, events))


def between(events: list[TimedEvent], start_ms: int, end_ms: int) -> list[TimedEvent]:
    return [timed for timed in events if start_ms <= timed[0] < end_ms]


def split(name: str, start_ms: int, end_ms: int) -> tuple[Seen, Seen]:
    """The views of the slice that the story is about, and all the others."""
    story, events = played(name)
    incident = story.incident
    chosen = between(events, start_ms, end_ms)
    return (
        seen(timed for timed in chosen if timed[1][incident.dimension] == incident.value),
        seen(timed for timed in chosen if timed[1][incident.dimension] != incident.value),
    )


@pytest.mark.parametrize("name", PLOTS)
def test_chapters_are_told_in_order_from_the_start_on(name: str) -> None:
    story = PLOTS[name].story(None, None)
    starts = [chapter.start_ms for chapter in story.chapters]
    assert starts == sorted(starts)
    assert starts[0] == story.incident.start_ms
    assert story.chapter(starts[0] - 1) is None
    assert story.chapter(starts[-1]) is story.chapters[-1]


@pytest.mark.parametrize("name", PLOTS)
def test_story_can_be_put_anywhere(name: str) -> None:
    story = story_named(name, 100, 40)
    assert story is not None
    assert (story.incident.start_ms, story.incident.end_ms) == (100_000, 140_000)
    own = story_named(name)
    assert own is not None
    assert own.incident.start_ms == PLOTS[name].after_seconds * 1000
    lasting_ms = own.incident.end_ms - own.incident.start_ms
    assert lasting_ms == PLOTS[name].lasting_seconds * 1000


def test_none_is_no_story() -> None:
    assert story_named(NONE) is None


@pytest.mark.parametrize("name", PLOTS)
def test_until_it_begins_everything_is_as_without_it(name: str) -> None:
    story = PLOTS[name].story(60, None)
    for number in range(20):
        told, quiet = (
            list(
                takewhile(
                    lambda timed: timed[0] < 30_000,
                    viewer_events(3, number, BASE_MS, incident=incident),
                )
            )
            for incident in (story.incident, None)
        )
        assert told == quiet


def test_spike_stalls_its_cdn_and_nothing_else() -> None:
    incident = played(SPIKE)[0].incident
    hit, others = split(SPIKE, incident.start_ms, incident.end_ms)
    assert hit.stalled > 0.40
    assert others.stalled < 0.03
    assert hit.start_failures < 0.02


def test_outage_stops_slows_and_stalls_its_cdn_and_nothing_else() -> None:
    incident = played("cdn-outage")[0].incident
    hit, others = split("cdn-outage", incident.start_ms + 15_000, incident.end_ms - 30_000)
    assert 0.25 < hit.start_failures < 0.40
    assert hit.p50_ms > 1_500
    assert hit.stalled > 0.30
    assert hit.playback_failures > 0.01
    assert others.start_failures < 0.01
    assert others.p50_ms < 450
    assert others.stalled < 0.02


def test_viewers_leave_in_an_outage_and_come_back_after_it() -> None:
    story, events = played("cdn-outage")
    incident = story.incident
    hit = [timed for timed in events if timed[1]["cdn"] == incident.value]
    per_second = [
        len(between(hit, start, end)) * 1000 / (end - start)
        for start, end in (
            (0, incident.start_ms),
            (incident.start_ms + MINUTE_MS, incident.end_ms - 30_000),
            (incident.end_ms + 2 * MINUTE_MS, incident.end_ms + 5 * MINUTE_MS),
        )
    ]
    assert per_second[1] < 0.6 * per_second[0]
    assert per_second[2] > 1.2 * per_second[1]


def test_bad_release_is_slow_and_fails_and_other_versions_are_not() -> None:
    incident = played("bad-release")[0].incident
    hit, others = split("bad-release", incident.start_ms, incident.end_ms)
    assert 0.04 < hit.start_failures < 0.12
    assert 0.08 < hit.playback_failures < 0.16
    assert hit.p50_ms > 1_200
    assert others.start_failures < 0.01
    assert others.playback_failures < 0.01
    assert others.p50_ms < 450


def test_bad_release_rolls_out_slowly_and_fades_out_after_the_rollback() -> None:
    story, events = played("bad-release")
    incident = story.incident

    def share(start_ms: int, end_ms: int) -> float:
        """Of the views that begin then."""
        versions = [
            event["appVersion"]
            for _, event in between(events, start_ms, end_ms)
            if event["event"] == "impression"
        ]
        return versions.count(NEW_VERSION) / len(versions)

    start_ms, end_ms = incident.start_ms, incident.end_ms
    assert share(0, start_ms) == 0.0
    assert 0.0 < share(start_ms, start_ms + MINUTE_MS) < 0.15
    assert 0.40 < share(end_ms - 3 * MINUTE_MS, end_ms) < 0.65
    assert 0.0 < share(end_ms + MINUTE_MS, end_ms + 2 * MINUTE_MS) < 0.40
    assert share(end_ms + 4 * MINUTE_MS, end_ms + 5 * MINUTE_MS) < 0.10
