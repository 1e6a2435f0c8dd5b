"""How a view came out, and the record it becomes."""

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dimensions import SliceTable
from models.timestamps import parse_timestamp_ms
from models.views import (
    NEVER,
    OPEN,
    OUTCOMES,
    REPLACED,
    SWIPED,
    TIMED_OUT,
    View,
    view_id,
    view_key,
    view_record,
)
from tests.unit.models.samples import NOW_MS

_SLICES = SliceTable().get((None,) * 8)


def view(**known: Any) -> View:
    """A view that started and was swiped away, but for what is said of it."""
    opened = (NOW_MS, "e-1", NOW_MS)
    made = View(0, "s-1", "clip-1", "s-1", "d-1", "u-1", *opened, _SLICES, (None,) * 5)
    fields: dict[str, Any] = {
        "started_at_ms": NOW_MS + 400,
        "startup_ms": 400,
        "ended_by": SWIPED,
        "ended_at_ms": NOW_MS + 9_000,
    }
    for name, value in (fields | known).items():
        setattr(made, name, value)
    return made


def record(**known: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(view_record(view(**known)))
    return value


def test_new_view_is_open() -> None:
    fresh = View(0, "s", "c", None, None, None, 0, "e", 0, _SLICES, (None,) * 5)
    assert fresh.ended_by == OPEN
    assert not fresh.has_started()


@pytest.mark.parametrize("ended_by", [SWIPED, REPLACED, TIMED_OUT])
@pytest.mark.parametrize(
    ("completed", "started", "errors", "fatal"),
    list(product((True, False), (True, False), (0, 2), (True, False))),
)
def test_outcome_by_precedence(
    ended_by: str, completed: bool, started: bool, errors: int, fatal: bool
) -> None:
    if fatal and not errors:
        return
    outcome = view(
        completed=completed,
        started_at_ms=NOW_MS if started else NEVER,
        errors=errors,
        fatal=fatal,
        ended_by=ended_by,
    ).outcome()
    if completed:
        expected = "completed"
    elif fatal:
        expected = "failed"
    elif not started:
        expected = "failed" if errors else "never_started"
    else:
        expected = ended_by
    assert outcome == expected
    assert outcome in OUTCOMES


def test_outcomes_are_those_of_the_contract() -> None:
    assert set(OUTCOMES) == {
        "completed",
        "swiped",
        "replaced",
        "timed_out",
        "never_started",
        "failed",
    }


def flags(**known: Any) -> tuple[bool, bool, bool, bool]:
    """Rebuffered view, exit before start, start failure, playback failure."""
    subject = view(**known)
    return (
        subject.is_rebuffered(),
        subject.is_exit_before_start(),
        subject.is_start_failure(),
        subject.is_playback_failure(),
    )


def test_what_an_ended_view_counts_as() -> None:
    unstarted = {"started_at_ms": NEVER, "startup_ms": NEVER}
    assert flags() == (False, False, False, False)
    assert flags(rebuffers=1) == (True, False, False, False)
    assert flags(rebuffers=1, **unstarted) == (False, False, False, False)
    assert flags(impression=True, **unstarted) == (False, True, False, False)
    assert flags(impression=True, errors=1, **unstarted) == (False, False, True, False)
    assert flags(impression=True, errors=1, fatal=True, **unstarted) == (False, False, True, False)
    assert flags(impression=True, errors=1) == (False, False, False, False)
    assert flags(impression=True, errors=1, fatal=True) == (False, False, False, True)


EVERYTHING: dict[str, Any] = {
    "context": ("web", "NO", "wifi", "cdn-1", "1.2.3"),
    "impression": True,
    "position": 4,
    "entry_point": "feed",
    "feed_id": "f-1",
    "rendition": "720p",
    "codec": "av1",
    "autoplay": True,
    "watch_ms": 7_250,
    "duration_ms": 29_000,
    "completed": True,
    "loop_count": 6,
    "rebuffers": 2,
    "rebuffer_ms": 1_800,
    "upshifts": 5,
    "downshifts": 3,
    "errors": 1,
    "liked": True,
    "saved": True,
    "shared": True,
    "share_platform": "sms",
    "next_content_id": "clip-2",
}


def test_record_has_every_field_of_the_contract_in_its_order() -> None:
    everything = record(**EVERYTHING)
    assert list(everything.items()) == [
        ("viewId", view_id(view())),
        ("sessionId", "s-1"),
        ("deviceId", "d-1"),
        ("userId", "u-1"),
        ("contentId", "clip-1"),
        ("startedAt", "2026-01-02T03:04:05.678Z"),
        ("endedAt", "2026-01-02T03:04:14.678Z"),
        ("outcome", "completed"),
        ("position", 4),
        ("entryPoint", "feed"),
        ("feedId", "f-1"),
        ("startupMs", 400),
        ("watchSeconds", 7.25),
        ("durationSeconds", 29.0),
        ("percentWatched", 0.25),
        ("completed", True),
        ("loopCount", 6),
        ("rebufferCount", 2),
        ("rebufferMs", 1_800),
        ("upshifts", 5),
        ("downshifts", 3),
        ("rendition", "720p"),
        ("codec", "av1"),
        ("autoplay", True),
        ("errors", 1),
        ("liked", True),
        ("saved", True),
        ("shared", True),
        ("sharePlatform", "sms"),
        ("nextContentId", "clip-2"),
        ("platform", "web"),
        ("appVersion", "1.2.3"),
        ("country", "NO"),
        ("networkType", "wifi"),
        ("cdn", "cdn-1"),
    ]


@pytest.mark.parametrize("name", ["completed", "autoplay", "liked", "saved", "shared"])
def test_each_flag_has_its_own_field(name: str) -> None:
    flags = dict.fromkeys(("completed", "autoplay", "liked", "saved", "shared"), False)
    value = record(**flags | {name: True})
    assert [flag for flag in flags if value[flag]] == [name]


TEXTS = (
    *("session_id", "device_id", "user_id", "content_id", "entry_point", "feed_id", "rendition"),
    *("codec", "share_platform", "next_content_id"),
)
_ODD = '"\\/\x00\x01\b\t\n\v\f\r\x1f \x7f\x80é\u2028\ufeff€😀'


@pytest.mark.parametrize("text", ["plain", _ODD])
def test_bytes_are_those_of_compact_json_in_utf_8(text: str) -> None:
    texts = dict.fromkeys(TEXTS, text)
    written = view_record(view(**EVERYTHING | texts | {"context": (text,) * 5}))
    value = json.loads(written)
    assert written == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert list(value.values()).count(text) == len(TEXTS) + 5


@given(st.integers(0, 10**13), st.integers(1, 10**13))
def test_figures_are_written_as_short_as_they_can_be(watch_ms: int, duration_ms: int) -> None:
    written = view_record(view(watch_ms=watch_ms, duration_ms=duration_ms)).decode()
    share = min(1.0, round(watch_ms / duration_ms, 4))
    assert f'"watchSeconds":{watch_ms / 1000!r},' in written
    assert f'"durationSeconds":{duration_ms / 1000!r},"percentWatched":{share!r},' in written


def test_record_of_a_bare_view_has_the_same_fields() -> None:
    bare = record(started_at_ms=NEVER, startup_ms=NEVER, user_id=None, device_id=None)
    assert len(bare) == 35
    assert bare["outcome"] == "never_started"
    unknown = {name for name, value in bare.items() if value is None}
    assert unknown == {
        "deviceId", "userId", "position", "entryPoint", "feedId", "startupMs", "durationSeconds",
        "percentWatched", "rendition", "codec", "autoplay", "sharePlatform", "nextContentId",
        "platform", "appVersion", "country", "networkType", "cdn",
    }  # fmt: skip


def test_percent_watched_is_capped_at_1() -> None:
    assert record(watch_ms=95_000, duration_ms=30_000)["percentWatched"] == 1.0
    assert record(watch_ms=10_000, duration_ms=30_000)["percentWatched"] == 0.3333
    assert record(watch_ms=0, duration_ms=30_000)["percentWatched"] == 0.0


def test_record_of_the_same_view_is_the_same_bytes() -> None:
    assert view_record(view()) == view_record(view())
    assert parse_timestamp_ms(record()["startedAt"]) == NOW_MS


def test_record_is_keyed_by_the_widest_of_who() -> None:
    assert view_key(view()) == "u-1"
    assert view_key(view(user_id=None)) == "d-1"
    assert view_key(view(user_id=None, device_id=None)) == "s-1"


def test_view_id_follows_from_viewer_content_and_opening_event() -> None:
    known = {"viewer": "s", "content_id": "c", "opened_by": "e"}
    assert view_id(view(**known)) == view_id(view(**known, number=7, user_id="u-2"))
    ids = {
        view_id(view(viewer=viewer, content_id=content, opened_by=event))
        for viewer, content, event in [("s", "c", "e"), ("s", "c", "f"), ("s", "d", "e"),
                                       ("t", "c", "e"), ("sc", "", "e"), ("s", "ce", "")]
    }  # fmt: skip
    assert len(ids) == 6
    assert all(len(id_) == 24 for id_ in ids)


@pytest.mark.parametrize(
    ("known", "is_attempt"),
    [
        ({"tried": True}, True),
        ({"acted": True}, True),
        ({"completed": True}, True),
        ({}, False),
        ({"searched": True}, False),
        ({"searched": True, "acted": True}, False),
        ({"searched": True, "completed": True}, False),
        ({"searched": True, "tried": True}, True),
        ({"searched": True, "started_at_ms": NOW_MS}, True),
    ],
)
def test_search_result_is_an_attempt_only_with_a_play_an_error_or_a_swipe(
    known: dict[str, Any], is_attempt: bool
) -> None:
    assert view(**({"started_at_ms": NEVER} | known)).is_attempt() == is_attempt
