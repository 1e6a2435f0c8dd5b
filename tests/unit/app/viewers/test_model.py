from collections import defaultdict
from itertools import islice, pairwise, takewhile
from statistics import mean
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.viewers.incidents import Incident
from app.viewers.model import TimedEvent, audience_events, viewer_events
from app.viewers.stories import bad_release, cdn_outage, rebuffer_spike
from models.timestamps import format_timestamp
from models.validation import read_event
from models.verdicts import CheckedEvent

BASE_MS = 1_767_323_045_000
MINUTE_MS = 60_000
SPIKE = rebuffer_spike(8_000, 68_000).incident
INCIDENTS = (
    SPIKE,
    cdn_outage(0, 5 * MINUTE_MS).incident,
    bad_release(0, MINUTE_MS).incident,
)

seeds = st.integers(0, 2**32)


def first_events(seed: int, count: int, base_ms: int = BASE_MS) -> list[TimedEvent]:
    """The first events of a viewer; what goes wrong follows from the seed."""
    incident = INCIDENTS[seed % len(INCIDENTS)]
    return list(islice(viewer_events(seed, 0, base_ms, incident=incident), count))


def by_view(events: list[TimedEvent]) -> list[list[TimedEvent]]:
    """The events of each view; an impression opens one."""
    views: list[list[TimedEvent]] = []
    for timed in events:
        if timed[1]["event"] == "impression":
            views.append([])
        views[-1].append(timed)
    return views


def behaviour(events: list[TimedEvent]) -> list[tuple[int, str, Any]]:
    return [(at_ms, event["event"], event.get("data")) for at_ms, event in events]


@given(seeds)
def test_same_seed_gives_the_same_events(seed: int) -> None:
    assert first_events(seed, 60) == first_events(seed, 60)


@given(seeds)
def test_later_start_changes_ids_and_times_but_no_behaviour(seed: int) -> None:
    early, late = first_events(seed, 60), first_events(seed, 60, BASE_MS + 1)
    assert behaviour(early) == behaviour(late)
    assert {event["eventId"] for _, event in early}.isdisjoint(
        {event["eventId"] for _, event in late}
    )


def test_different_seeds_give_different_viewers() -> None:
    assert behaviour(first_events(1, 60)) != behaviour(first_events(2, 60))


@given(seeds)
def test_every_event_is_valid_as_sent(seed: int) -> None:
    for at_ms, event in first_events(seed, 150):
        checked = read_event(msgspec.json.encode(event), BASE_MS + at_ms)
        assert isinstance(checked, CheckedEvent), checked
        assert checked.timestamp_ms == BASE_MS + at_ms
        assert not checked.adjusted
        assert checked.normalised is None


@given(seeds)
def test_offsets_never_fall_and_are_the_timestamps(seed: int) -> None:
    events = first_events(seed, 150)
    offsets = [at_ms for at_ms, _ in events]
    assert offsets == sorted(offsets)
    assert [event["timestamp"] for _, event in events] == [
        format_timestamp(BASE_MS + at_ms) for at_ms in offsets
    ]


@given(seeds)
def test_startup_time_lies_between_impression_and_first_frame(seed: int) -> None:
    for view in by_view(first_events(seed, 150)):
        names = [event["event"] for _, event in view]
        if "playStart" in names:
            assert names[:2] == ["impression", "playStart"]
            assert view[1][0] - view[0][0] == view[1][1]["data"]["startupTime"]
        else:
            assert set(names) <= {"impression", "error", "swipe", "watchProgress"}


@given(seeds)
def test_watch_time_is_the_time_since_the_first_frame_without_the_stalls(seed: int) -> None:
    for view in by_view(first_events(seed, 200)):
        started_ms = next((at for at, event in view if event["event"] == "playStart"), None)
        paused_ms = 0
        for at_ms, event in view:
            data = event.get("data", {})
            if event["event"] == "rebuffer":
                paused_ms += data["duration"]
            if event["event"] == "error" and data["fatal"]:
                paused_ms += 1_200
            if event["event"] not in ("completion", "swipe"):
                continue
            played_ms = 0 if started_ms is None else at_ms - started_ms - paused_ms
            watched_ms = round(data["watchTime"] * 1000)
            completed = any(other["event"] == "completion" for _, other in view)
            # After the end of a content that does not loop the viewer takes a moment to go on.
            at_rest_ms = 350 if event["event"] == "swipe" and completed else 0
            assert played_ms - watched_ms in (0, at_rest_ms)


@given(seeds)
def test_positions_follow_from_elapsed_time_stalls_and_loops(seed: int) -> None:
    for view in by_view(first_events(seed, 200)):
        started_ms, stalled_ms = 0, 0
        durations = {e["data"]["duration"] for _, e in view if e["event"] == "watchProgress"}
        assert len(durations) <= 1
        for at_ms, event in view:
            data = event.get("data", {})
            if event["event"] == "playStart":
                started_ms = at_ms
            if event["event"] == "rebuffer":
                stalled_ms += data["duration"]
            if event["event"] == "error" and data["fatal"]:
                stalled_ms += 1_200
            if event["event"] in ("rebuffer", "watchProgress") and durations:
                played_ms = at_ms - started_ms - stalled_ms
                expected_ms = played_ms % round(min(durations) * 1000)
                assert round(data["currentTime"] * 1000) == expected_ms


@given(seeds)
def test_swipe_leads_to_the_next_impression_of_the_session(seed: int) -> None:
    views = by_view(first_events(seed, 200))
    for view, following in pairwise(views):
        last, first = view[-1][1], following[0][1]
        if last["event"] == "swipe":
            assert last["data"]["fromContentId"] == view[0][1]["contentId"]
            assert last["data"]["toContentId"] == first["contentId"]
            assert last["sessionId"] == first["sessionId"]
        else:
            assert last["sessionId"] != first["sessionId"]


def until(end_ms: int, incident: Incident | None) -> list[TimedEvent]:
    events = audience_events(7, 100, BASE_MS, incident=incident)
    return list(takewhile(lambda timed: timed[0] < end_ms, events))


def plays_and_stalled(events: list[TimedEvent]) -> tuple[int, int]:
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, event in events:
        if "contentId" in event:
            names[event["sessionId"], event["contentId"]].add(event["event"])
    started = [found for found in names.values() if "playStart" in found]
    return len(started), sum("rebuffer" in found for found in started)


def test_quiet_times_look_like_a_healthy_service() -> None:
    events = until(10 * MINUTE_MS, None)
    startups = sorted(
        event["data"]["startupTime"] for _, event in events if event["event"] == "playStart"
    )
    stalls = [event["data"]["duration"] for _, event in events if event["event"] == "rebuffer"]
    plays, stalled = plays_and_stalled(events)
    completed = {
        (event["sessionId"], event["contentId"])
        for _, event in events
        if event["event"] == "completion"
    }
    assert startups[len(startups) // 2] == pytest.approx(350, abs=50)
    assert startups[len(startups) * 95 // 100] < 2_000
    assert stalled / plays < 0.02
    assert mean(stalls) < 1_000
    assert 0.30 <= len(completed) / plays <= 0.45
    assert len(events) / 600 == pytest.approx(46, abs=5)


def test_spike_stalls_about_half_the_views_of_its_cdn_and_no_others() -> None:
    events = [e for e in until(SPIKE.end_ms, SPIKE) if e[0] >= SPIKE.start_ms]
    hit = [timed for timed in events if timed[1]["cdn"] == SPIKE.value]
    others = [timed for timed in events if timed[1]["cdn"] != SPIKE.value]
    plays, stalled = plays_and_stalled(hit)
    assert stalled / plays > 0.45
    plays, stalled = plays_and_stalled(others)
    assert stalled / plays < 0.03


def test_events_of_an_audience_are_in_order_of_time() -> None:
    offsets = [at_ms for at_ms, _ in until(MINUTE_MS, SPIKE)]
    assert offsets == sorted(offsets)
