import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.replay.lines import Line, read_line, shifted, with_times
from models.errors import OperatorError
from models.events import partition_key
from models.timestamps import format_timestamp
from models.validation import read_event
from models.verdicts import CheckedEvent

TIME = "2022-07-01T00:01:02.053Z"
TIME_MS = 1_656_633_662_053


def event(**fields: Any) -> bytes:
    return json.dumps({"event": "like", "contentId": "c", "timestamp": TIME, **fields}).encode()


def lines_at(*times_ms: int | None) -> list[Line]:
    return [Line(b"", None, time_ms, False) for time_ms in times_ms]


def test_valid_event_gives_its_key_and_time() -> None:
    line = read_line(event(sessionId="s", deviceId="d"))
    assert (line.key, line.time_ms, line.is_object) == ("s", TIME_MS, True)


@pytest.mark.parametrize(("content_id", "key"), [("b", "b"), ("c", "c"), (None, "a")])
def test_swipe_without_a_viewer_is_keyed_by_its_own_content_id_else_by_the_content_left(
    content_id: str | None, key: str
) -> None:
    data = {"fromContentId": "a", "toContentId": "b", "watchTime": 1}
    assert read_line(event(event="swipe", contentId=content_id, data=data)).key == key
    old_spelling = {"fromContentId": "a", "watchTimeOnFrom": 1}
    if content_id is not None:
        raw = event(event="swipe", contentId=content_id, data=old_spelling)
        assert read_line(raw).key == key


@given(st.dictionaries(st.sampled_from(["sessionId", "deviceId", "userId"]), st.text(min_size=1)))
def test_valid_event_has_the_key_that_every_producer_uses(ids: dict[str, str]) -> None:
    raw = event(**ids)
    checked = read_event(raw, TIME_MS)
    if isinstance(checked, CheckedEvent):
        assert read_line(raw).key == partition_key(checked.event)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"sessionId": "s", "contentId": "no such id!"}, "s"),
        ({"sessionId": 7, "deviceId": "d"}, "d"),
        ({"sessionId": "", "userId": "u" * 200}, "u" * 200),
        ({"event": None}, "c"),
        ({"contentId": ["c"]}, None),
    ],
)
def test_invalid_event_gives_the_first_id_that_can_be_read(
    fields: dict[str, Any], key: str | None
) -> None:
    line = read_line(event(**fields))
    assert (line.key, line.time_ms, line.is_object) == (key, TIME_MS, True)


@pytest.mark.parametrize(
    "raw", [b'{"event":"like","contentId":', b"null", b"[]", b'"text"', b"\xff\xfe", b"[" * 50_000]
)
def test_what_is_no_json_object_has_neither_key_nor_time(raw: bytes) -> None:
    assert read_line(raw) == Line(raw, None, None, False)


def test_nan_keeps_key_and_time_but_cannot_stand_in_a_batch() -> None:
    line = read_line(event(sessionId="s", data={"x": float("nan")}))
    assert (line.key, line.time_ms, line.is_object) == ("s", TIME_MS, False)


@pytest.mark.parametrize("timestamp", [None, 7, "yesterday", "1969-12-31T23:59:59.000Z"])
def test_unusable_timestamp_is_no_time(timestamp: Any) -> None:
    assert read_line(event(timestamp=timestamp)).time_ms is None


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(raw: bytes) -> None:
    assert read_line(raw).raw == raw


def test_line_without_a_time_gets_that_of_the_line_before() -> None:
    times = [line.time_ms for line in with_times(lines_at(None, None, 5, None, 3, None))]
    assert times == [5, 5, 5, 5, 3, 3]


def test_recording_without_any_time_is_refused() -> None:
    with pytest.raises(OperatorError, match="none of the first 2 lines has a timestamp"):
        list(with_times(lines_at(None, None)))


def test_empty_recording_needs_no_time() -> None:
    assert list(with_times([])) == []


@given(st.integers(0, 10**11))
def test_shift_moves_both_clocks_and_nothing_else(by_ms: int) -> None:
    data = {"x": [1.0, {"timestamp": TIME}], "timestamp": TIME}
    line = shifted(read_line(event(sessionId="s", sentAt=TIME, data=data)), by_ms)
    moved = format_timestamp(TIME_MS + by_ms)
    assert json.loads(line.raw) == {
        "event": "like",
        "contentId": "c",
        "sessionId": "s",
        "timestamp": moved,
        "sentAt": moved,
        "data": data,
    }
    assert line.time_ms == TIME_MS + by_ms
    assert read_line(line.raw) == line


@pytest.mark.parametrize("raw", [b"no json", b'{"event":"like","contentId":"c"}'])
def test_shift_leaves_a_line_without_a_time_as_it_is(raw: bytes) -> None:
    assert shifted(read_line(raw), 1000).raw is raw
