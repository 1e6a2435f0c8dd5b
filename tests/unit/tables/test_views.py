"""The rules of a view, through the state of one partition."""

import json
from typing import Any

import pytest

from models.figures import (
    ACTIVE_VIEWERS,
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    IMPRESSIONS,
    PLAYBACK_FAILURES,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    START_FAILURES,
    STARTED_VIEWS,
    WATCH_MS,
)
from tests.support.core import (
    MINUTE_MS,
    T0,
    Core,
    complete,
    error,
    event,
    impression,
    play,
    progress,
    stall,
    swipe,
)


def settled(*events: dict[str, Any]) -> Core:
    core = Core()
    core.send(*events)
    core.settle(core.states[0].clock_ms)
    return core


def test_swiped_view_becomes_one_record_with_everything_that_was_seen() -> None:
    core = settled(
        impression(0, entryPoint="feed", feedId="f1", top={"country": "FI", "userId": "u1"}),
        play(1, startup=400, rendition="720p", codec="av1", autoplay=True),
        progress(5, 4.0, duration=20),
        stall(7, 1500, position=4.5),
        event("qualityChange", 8, fromQuality="720p", toQuality="480p"),
        event("like", 9),
        event("share", 9.5, platform="chat"),
        swipe(11, 8.2, to="b"),
    )
    (view,) = core.outputs.views
    assert view == {
        "viewId": view["viewId"],
        "sessionId": "s1",
        "deviceId": None,
        "userId": "u1",
        "contentId": "a",
        "startedAt": "2023-11-14T22:13:20.000Z",
        "endedAt": "2023-11-14T22:13:31.000Z",
        "outcome": "swiped",
        "position": 0,
        "entryPoint": "feed",
        "feedId": "f1",
        "startupMs": 400,
        "watchSeconds": 8.2,
        "durationSeconds": 20.0,
        "percentWatched": 0.41,
        "completed": False,
        "loopCount": 0,
        "rebufferCount": 1,
        "rebufferMs": 1500,
        "upshifts": 0,
        "downshifts": 1,
        "rendition": "720p",
        "codec": "av1",
        "autoplay": True,
        "errors": 0,
        "liked": True,
        "saved": False,
        "shared": True,
        "sharePlatform": "chat",
        "nextContentId": "b",
        "platform": None,
        "appVersion": None,
        "country": "FI",
        "networkType": None,
        "cdn": None,
    }
    assert core.outputs.view_keys == [b"u1"]


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([impression(0), play(1), swipe(5, 4)], "swiped"),
        ([impression(0), play(1), complete(5, 4), swipe(6, 5)], "completed"),
        ([impression(0), play(1), complete(5, 4)], "completed"),
        ([impression(0), play(1)], "timed_out"),
        ([impression(0)], "never_started"),
        ([impression(0), swipe(2, 0)], "never_started"),
        ([impression(0), error(1)], "failed"),
        ([impression(0), play(1), error(2, fatal=True), swipe(3, 1)], "failed"),
        ([impression(0), play(1), error(2, fatal=False), swipe(3, 1)], "swiped"),
        ([impression(0), play(1), play(9, "b")], "replaced"),
    ],
)
def test_outcome_tells_how_the_view_came_out(events: list[dict[str, Any]], outcome: str) -> None:
    views = {view["contentId"]: view["outcome"] for view in settled(*events).outputs.views}
    assert views["a"] == outcome


def test_plays_and_completions_count_once_per_view() -> None:
    core = settled(
        impression(0),
        play(1),
        play(2, event_id="again"),
        complete(5, 4, looped=True),
        complete(9, 8, looped=True, event_id="again too"),
        swipe(10, 9),
    )
    sums = core.rolling().sums
    assert (sums[PLAYS], sums[COMPLETIONS], sums[ENDED_VIEWS]) == (1, 1, 1)
    assert core.outputs.views[0]["watchSeconds"] == 9.0


def test_content_watched_again_is_another_view() -> None:
    core = settled(
        impression(0),
        play(1),
        swipe(5, 4, to="b"),
        impression(5, "b"),
        play(6, "b"),
        swipe(9, 3, "b", to="a"),
        impression(9.5),
        play(10),
        swipe(12, 2),
    )
    assert [view["contentId"] for view in core.outputs.views] == ["a", "b", "a"]
    assert len({view["viewId"] for view in core.outputs.views}) == 3
    assert core.rolling().sums[PLAYS] == 3


def test_content_watched_again_is_another_view_even_where_what_lay_between_comes_late() -> None:
    core = Core()
    core.send(impression(0), play(1), play(16, event_id="second"), complete(17, 1))
    assert core.rolling().sums[PLAYS] == 1
    core.feed(
        [
            (T0 + 18_000, _json(swipe(10, 9, to="b"))),
            (T0 + 18_000, _json(play(11, "b"))),
            (T0 + 18_500, _json(complete(18.5, 2, event_id="second end"))),
        ]
    )
    core.settle(T0 + 19_000)
    assert core.rolling().sums[PLAYS] == 3
    assert [(v["contentId"], v["outcome"]) for v in core.outputs.views].count(("a", "completed"))
    assert len(core.outputs.views) == 3


@pytest.mark.parametrize(
    ("events", "views"),
    [
        ([play(20, "a"), play(5, "a"), play(10, "b")], 3),
        ([play(20, "a"), play(30, "c"), play(5, "a"), play(10, "b")], 4),
        ([*map(play, (5, 20, 10, 40, 42, 50, 45), "aabbaab")], 7),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_views_that_late_events_tell_apart_have_ids_of_their_own(
    events: list[dict[str, Any]], views: int, named: bool
) -> None:
    core = Core()
    for fields in events:
        sent = fields if named else {k: v for k, v in fields.items() if k != "eventId"}
        core.feed([(T0 + MINUTE_MS, json.dumps(sent).encode())])
    core.settle(T0 + MINUTE_MS)
    assert len({view["viewId"] for view in core.outputs.views}) == views


def test_events_without_times_of_their_own_count_in_the_order_of_arrival() -> None:
    # The API gives all events of a batch that have no timestamp the same one.
    core = settled(
        impression(0),
        play(0),
        play(0, "b"),
        swipe(0, 0, "b", to="a"),
        impression(0, event_id="again"),
        play(0, event_id="again too"),
        complete(0, 1),
    )
    assert core.rolling().sums[PLAYS] == 3
    outcomes = sorted((view["contentId"], view["outcome"]) for view in core.outputs.views)
    assert outcomes == [("a", "completed"), ("a", "replaced"), ("b", "swiped")]


def test_view_ends_only_after_fifteen_minutes_without_its_events() -> None:
    core = Core()
    core.send(impression(0), play(1), progress(840, 30.0))
    core.tick(T0 + 840_000 + 15 * MINUTE_MS - 1)
    assert core.states[0].views.open_views == 1
    core.tick(T0 + 840_000 + 15 * MINUTE_MS)
    assert core.states[0].views.open_views == 0
    core.tick(T0 + 840_000 + 16 * MINUTE_MS)
    assert core.outputs.views[0]["endedAt"] == "2023-11-14T22:42:20.000Z"


def test_timed_out_view_ends_at_its_own_time_however_far_the_clock_jumps() -> None:
    stepwise, leap = Core(), Core()
    for core in (stepwise, leap):
        core.send(impression(0), play(1))
    stepwise.settle(T0 + 1000, 60)
    leap.tick(T0 + 60 * MINUTE_MS + 1000)
    assert leap.outputs.view_values == stepwise.outputs.view_values
    assert leap.outputs.views[0]["endedAt"] == "2023-11-14T22:28:21.000Z"


def test_view_that_ended_waits_half_a_minute_for_stragglers() -> None:
    core = Core()
    core.send(impression(0), play(1), swipe(10, 8))
    core.feed([(T0 + 39_000, _json(complete(9.9, 8.5)))])
    core.tick(T0 + 39_999)
    assert core.outputs.views == []
    core.tick(T0 + 40_000)
    assert core.outputs.views[0]["outcome"] == "completed"
    assert core.outputs.views[0]["watchSeconds"] == 8.5


def test_straggling_first_frame_takes_the_exit_before_start_back() -> None:
    core = Core()
    core.send(impression(0), swipe(5, 4))
    assert core.rolling().sums[EXITS_BEFORE_START] == 1
    core.feed([(T0 + 6_000, _json(play(1)))])
    sums = core.rolling().sums
    assert (sums[EXITS_BEFORE_START], sums[STARTED_VIEWS], sums[ENDED_VIEWS]) == (0, 1, 1)


def test_exits_failures_and_rebuffered_views_are_told_apart() -> None:
    core = settled(
        impression(0, "exit"),
        swipe(1, 0, "exit", to="broken"),
        impression(1, "broken"),
        error(2, "broken"),
        swipe(3, 0, "broken", to="dies"),
        impression(3, "dies"),
        play(4, "dies"),
        stall(5, 700, "dies"),
        error(6, "dies", fatal=True),
        swipe(7, 1, "dies", to="good"),
        impression(7, "good"),
        play(8, "good"),
        swipe(9, 1, "good", to="z"),
    )
    sums = core.rolling().sums
    assert sums[ENDED_VIEWS] == 4
    assert sums[EXITS_BEFORE_START] == 1
    assert sums[START_FAILURES] == 1
    assert sums[PLAYBACK_FAILURES] == 1
    assert sums[REBUFFERED_VIEWS] == 1
    assert sums[STARTED_VIEWS] == 2


def test_impression_in_search_results_alone_is_no_view() -> None:
    core = settled(impression(0, entryPoint="search"))
    assert core.outputs.views == []
    sums = core.rolling().sums
    assert (sums[IMPRESSIONS], sums[ENDED_VIEWS], sums[EXITS_BEFORE_START]) == (1, 0, 0)


@pytest.mark.parametrize(
    "what",
    [
        event("like", 1),
        event("share", 1, platform="chat"),
        progress(1, 0.5),
        stall(1, 300),
        complete(1, 1),
        event("qualityChange", 1, fromQuality="720p", toQuality="480p"),
    ],
    ids=lambda fields: str(fields["event"]),
)
def test_search_result_that_was_not_tried_is_no_view_in_either_order(what: dict[str, Any]) -> None:
    found = impression(0, entryPoint="search")
    for events in ((found, what), ({**what, "timestamp": found["timestamp"]}, found)):
        core = settled(*events)
        assert core.outputs.views == []
        assert core.rolling().sums[ENDED_VIEWS] == 0


@pytest.mark.parametrize("what", [error(1), swipe(1, 0)], ids=["error", "swipe"])
def test_search_result_becomes_a_view_with_an_error_or_a_swipe(what: dict[str, Any]) -> None:
    core = settled(impression(0, entryPoint="search"), what)
    assert len(core.outputs.views) == 1


def test_impression_in_search_results_becomes_a_view_with_a_play() -> None:
    core = settled(impression(0, entryPoint="search", position=4), play(1), swipe(3, 2))
    (view,) = core.outputs.views
    assert (view["entryPoint"], view["position"], view["outcome"]) == ("search", 4, "swiped")


def test_stall_counts_under_the_codec_and_entry_point_of_its_view() -> None:
    core = settled(
        impression(0, entryPoint="feed"),
        play(1, codec="av1", rendition="720p"),
        stall(3, 900),
        stall(5, 100, rendition="480p"),
    )
    assert core.rolling("codec", "av1").sums[REBUFFER_MS] == 1000
    assert core.rolling("entryPoint", "feed").sums[REBUFFERS] == 2
    assert core.rolling("rendition", "720p").sums[REBUFFER_MS] == 900
    assert core.rolling("rendition", "480p").sums[REBUFFER_MS] == 100
    assert core.rolling("country", "unknown").sums[REBUFFERS] == 2


def test_event_counts_under_the_network_that_it_names_itself() -> None:
    core = settled(
        impression(0, top={"networkType": "wifi"}),
        play(1, top={"networkType": "wifi"}),
        stall(3, 900, top={"networkType": "cellular"}),
    )
    assert core.rolling("networkType", "cellular").sums[REBUFFER_MS] == 900
    assert core.rolling("networkType", "wifi").sums[PLAYS] == 1


def test_active_viewer_counts_in_the_pane_of_the_latest_event_only() -> None:
    core = Core()
    core.send(impression(0), play(1), progress(25, 20.0), impression(26, session="s2"))
    assert core.rolling().sums[ACTIVE_VIEWERS] == 2
    core.tick(T0 + 79_999)
    assert core.rolling(window=0).sums[ACTIVE_VIEWERS] == 2
    core.tick(T0 + 80_000)
    assert core.rolling(window=0).sums[ACTIVE_VIEWERS] == 0


def test_device_stands_in_for_a_missing_session() -> None:
    top = {"deviceId": "d1"}
    core = settled(
        impression(0, session=None, top=top),
        play(1, session=None, top=top),
        swipe(4, 3, session=None, top=top),
    )
    (view,) = core.outputs.views
    assert (view["sessionId"], view["deviceId"], view["outcome"]) == (None, "d1", "swiped")
    assert core.rolling().sums[ACTIVE_VIEWERS] == 0


def test_events_without_a_viewer_count_for_themselves() -> None:
    core = settled(
        play(1, session=None, event_id="1"),
        play(2, session=None, event_id="2"),
        stall(3, 500, session=None),
        complete(4, 3, session=None),
    )
    sums = core.rolling().sums
    assert (sums[PLAYS], sums[REBUFFERS], sums[COMPLETIONS], sums[WATCH_MS]) == (2, 1, 1, 0)
    assert core.outputs.views == []


def test_open_view_is_kept_by_an_event_of_the_apps_own() -> None:
    core = Core()
    core.send(impression(0), play(1))
    core.send(event("ad.shown", 800))
    core.tick(T0 + 16 * MINUTE_MS)
    assert core.states[0].views.open_views == 1


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()
