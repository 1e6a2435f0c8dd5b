"""The messages of the stream: their shape, and that each is encoded once."""

import json
from typing import Any

import pytest

from app.live.feeds import LiveFeeds
from app.live.frames import Frames, frame
from app.live.windows_feed import Selection
from app.settings import load_settings
from models.timestamps import format_timestamp
from tests.support.live import T0, fed, figures, gone, health, rejected, window

CDN = Selection("5m", "cdn")


def frames(feeds: LiveFeeds) -> Frames:
    return Frames(feeds, ["1m", "5m", "15m", "1h"], {"environment": "test"}, lambda: T0)


@pytest.fixture
def feeds() -> LiveFeeds:
    return fed(load_settings({"PLAYVITALS_PARTITIONS": "2"}))


def parsed(body: bytes) -> list[tuple[str, Any]]:
    """Events with their data, read as a browser does."""
    messages = body.decode().split("\n\n")
    assert messages.pop() == ""
    found = []
    for message in messages:
        first, second = message.split("\n")
        assert first.startswith("event: ")
        assert second.startswith("data: ")
        found.append((first[7:], json.loads(second[6:])))
    return found


def test_event_is_two_lines_whatever_is_in_its_data() -> None:
    body = frame("now", {"raw": "a\nb\r\n\u2028 event: x"})
    assert body.count(b"\n") == 3
    assert parsed(body) == [("now", {"raw": "a\nb\r\n\u2028 event: x"})]


def test_settings_name_the_selection(feeds: LiveFeeds) -> None:
    assert parsed(frames(feeds).settings(CDN)) == [
        ("settings", {"environment": "test", "window": "5m", "dimension": "cdn"})
    ]


def test_now_has_everything_per_window_with_the_clock(feeds: LiveFeeds) -> None:
    subject = frames(feeds)
    assert parsed(subject.now()[1]) == [("now", {"clock": None, "windows": []})]
    feeds.windows.apply([window("5m", "all", of=figures(5)), window("1m", "all", at_ms=T0 + 9)])
    ((_, now),) = parsed(subject.now()[1])
    assert now["clock"] == format_timestamp(T0 + 9)
    assert [(it["window"], it["dimension"], it["plays"]) for it in now["windows"]] == [
        ("1m", "all", 1),
        ("5m", "all", 5),
    ]


def test_breakdown_has_the_slices_with_their_trends(feeds: LiveFeeds) -> None:
    for seconds, stall_ms in ((0, 100), (5, 300)):
        of = figures(2, stall_ms, 1000 - stall_ms)
        feeds.windows.apply([window("5m", "cdn", "a", T0 + seconds * 1000, of)])
    feeds.windows.apply([window("5m", "cdn", "b", T0 + 5000, figures(1))])
    ((event, data),) = parsed(frames(feeds).breakdown(CDN)[1])
    assert (event, data["window"], data["dimension"]) == ("breakdown", "5m", "cdn")
    assert [(row["record"]["value"], row["trend"]) for row in data["rows"]] == [
        ("a", [0.1, 0.3]),
        ("b", [None, None]),
    ]
    record = data["rows"][0]["record"]
    assert (record["plays"], record["rebufferRatio"], record["startup"]["count"]) == (2, 0.3, 2)


def test_what_did_not_change_is_the_same_bytes_and_has_the_same_version(feeds: LiveFeeds) -> None:
    subject = frames(feeds)
    feeds.windows.apply([window("5m", "cdn", "a"), window("1m", "all")])
    before, now = subject.breakdown(CDN), subject.now()
    assert subject.breakdown(CDN)[1] is before[1]
    assert subject.now()[1] is now[1]
    feeds.windows.apply([gone("5m", "cdn", "a")])
    after = subject.breakdown(CDN)
    assert after[0] > before[0]
    assert parsed(after[1])[0][1]["rows"] == []
    assert subject.now()[1] is now[1], "another selection changed"


def test_history_and_then_the_points_after_it(feeds: LiveFeeds) -> None:
    subject = frames(feeds)
    for number in range(3):
        feeds.windows.apply([window("1m", "all", at_ms=T0 + number * 5000, of=figures(number))])
    taken, history = subject.history()
    ((_, data),) = parsed(history)
    assert (data["window"], data["stepSeconds"]) == ("1m", 5)
    assert [point["plays"] for point in data["points"]] == [0, 1, 2]
    assert data["points"][0].keys() == {
        *("at", "startupP50Ms", "startupP95Ms", "startupP99Ms", "rebufferRatio"),
        *("completionRatio", "activeViewers", "plays", "startFailures", "playbackFailures"),
    }
    assert subject.points(taken) == (taken, b"")
    feeds.windows.apply([window("1m", "all", at_ms=T0 + 15_000, of=figures(3))])
    feeds.windows.apply([window("1m", "all", at_ms=T0 + 20_000, of=figures(4))])
    newest, points = subject.points(taken)
    assert [(event, point["plays"]) for event, point in parsed(points)] == [
        ("point", 3),
        ("point", 4),
    ]
    assert subject.points(taken)[1] is points
    assert [point["plays"] for _, point in parsed(subject.points(newest - 1)[1])] == [4]


def test_pipeline_has_its_state_and_is_computed_once_a_second(feeds: LiveFeeds) -> None:
    subject = frames(feeds)
    feeds.pipeline.apply([health(0, accepted=3, saved_ms=T0 - 6100)])
    feeds.rejected.apply([rejected("too_old", raw="{")])
    body = subject.pipeline(1)
    assert parsed(body) == [
        (
            "pipeline",
            {
                "partitions": 2,
                "reporting": 1,
                "lagRecords": 0,
                "freshnessSeconds": 0.0,
                "ledgerImbalance": 0,
                "checkpointAgeSeconds": 6.1,
                "accepted": 3,
                "duplicates": 0,
                "eventsPerSecond": None,
                "rejected": [
                    {
                        "reason": "too_old",
                        "lastHour": 1,
                        "sample": {
                            "reason": "too_old",
                            "field": "contentId",
                            "message": "contentId: too_old",
                            "receivedAt": format_timestamp(T0),
                            "raw": "{",
                        },
                    }
                ],
            },
        )
    ]
    feeds.pipeline.apply([health(1)])
    assert subject.pipeline(1) is body
    assert parsed(subject.pipeline(2))[0][1]["reporting"] == 2
