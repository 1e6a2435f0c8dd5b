"""The fold of the topic ``windows``."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.live.trends import SliceKey
from app.live.windows_feed import Selection, WindowsFeed
from models.timestamps import format_timestamp
from tests.support.live import T0, LiveRecord, figures, gone, window

CDN = Selection("5m", "cdn")


def feed() -> WindowsFeed:
    return WindowsFeed(["1m", "5m"], ["cdn", "platform"])


def values(of: WindowsFeed, selection: Selection = CDN) -> dict[str, int]:
    return {it.record.value: it.record.plays for it in of.slices(selection)}


def test_newest_record_of_a_slice_holds_and_a_tombstone_ends_it() -> None:
    windows = feed()
    windows.apply(
        [window("5m", "cdn", "a", of=figures(1)), window("5m", "cdn", "b", of=figures(2))]
    )
    windows.apply([window("5m", "cdn", "a", of=figures(5))])
    assert values(windows) == {"a": 5, "b": 2}
    windows.apply([gone("5m", "cdn", "a"), gone("5m", "cdn", "never")])
    assert values(windows) == {"b": 2}


def test_slices_come_the_heaviest_first_as_they_were_written() -> None:
    windows = feed()
    records = [window("5m", "cdn", name, of=figures(plays)) for name, plays in (("x", 1), ("y", 3))]
    ties = [window("5m", "cdn", name, of=figures(2)) for name in "ba"]
    windows.apply([*records, *ties])
    assert [it.record.value for it in windows.slices(CDN)] == ["y", "a", "b", "x"]
    assert windows.slices(CDN)[0].json == records[1].value


def test_record_that_another_writer_laid_out_in_lines_is_one_line_here() -> None:
    windows = feed()
    record = window("5m", "cdn", "a\nb")
    lines = msgspec.json.format(record.value or b"", indent=2).replace(b"\n", b"\r\n")
    windows.apply([LiveRecord(record.key, lines)])
    assert [it.json for it in windows.slices(CDN)] == [record.value]


def test_selections_do_not_mix_and_the_version_tells_which_one_changed() -> None:
    windows = feed()
    other = Selection("1m", "cdn")
    before = windows.version(CDN), windows.version(other)
    windows.apply([window("5m", "cdn", "a")])
    assert (values(windows), values(windows, other)) == ({"a": 1}, {})
    assert windows.version(CDN) > before[0]
    assert windows.version(other) == before[1]


@pytest.mark.parametrize("name", ["a|b", "|", "", "ö", 'q"\\'])
def test_value_may_have_any_characters(name: str) -> None:
    windows = feed()
    windows.apply([window("5m", "cdn", name)])
    assert values(windows) == {name: 1}
    windows.apply([gone("5m", "cdn", name)])
    assert values(windows) == {}


def test_clock_is_the_latest_end_of_any_slice() -> None:
    windows = feed()
    assert windows.clock is None
    windows.apply([window("1m", "all", at_ms=T0 + 7), window("5m", "cdn", "a", at_ms=T0 + 3)])
    assert windows.clock == format_timestamp(T0 + 7)


def test_charts_follow_the_slice_of_everything_in_the_shortest_window() -> None:
    windows = feed()
    windows.apply(
        [
            window("5m", "all", of=figures(9)),
            window("1m", "cdn", "a", of=figures(8)),
            window("1m", "all", of=figures(7)),
        ]
    )
    assert [point.plays for point in windows.history.points] == [7]


def test_trend_is_the_rebuffer_ratio_of_the_slice() -> None:
    windows = feed()
    for seconds, stall_ms in ((0, 0), (5, 250), (10, 500)):
        of = figures(1, stall_ms, 1000 - stall_ms)
        windows.apply([window("5m", "cdn", "a", T0 + seconds * 1000, of)])
    (found,) = windows.slices(CDN)
    assert windows.trend(found.record) == [0.0, 0.25, 0.5]


def test_windows_and_dimensions_that_are_not_wanted_are_passed_over() -> None:
    windows = feed()
    windows.apply([window("15m", "cdn", "a"), window("5m", "codec", "a"), LiveRecord(b"5m", b"{}")])
    assert windows.clock is None
    assert windows.trends.trend(SliceKey("15m", "cdn", "a"), None) == [None]


@pytest.mark.parametrize(
    "value",
    [b"", b"\xff", b"{}", b'{"window":"5m"}', window("5m", "cdn", "b").value],
)
def test_record_that_is_no_slice_of_its_key_is_passed_over(
    value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    windows = feed()
    windows.apply([window("5m", "cdn", "a", of=figures(4)), LiveRecord(b"5m|cdn|a", value)])
    assert values(windows) == {"a": 4}
    assert "5m|cdn|a" in caplog.text


def test_topic_that_was_created_anew_leaves_nothing_behind() -> None:
    windows = feed()
    windows.apply([window("1m", "all", at_ms=T0 + 60_000), window("5m", "cdn", "a")])
    version = windows.version(CDN)
    windows.clear()
    assert (values(windows), windows.clock, list(windows.history.points)) == ({}, None, [])
    assert windows.version(CDN) > version
    windows.apply([window("1m", "all", at_ms=T0)])
    assert len(windows.history.points) == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 9)))))
def test_fold_is_the_last_value_of_each_key(changes: list[tuple[str, int | None]]) -> None:
    windows = feed()
    expected: dict[str, int] = {}
    for name, plays in changes:
        if plays is None:
            windows.apply([gone("5m", "cdn", name)])
            expected.pop(name, None)
        else:
            windows.apply([window("5m", "cdn", name, of=figures(plays))])
            expected[name] = plays
    assert values(windows) == expected
