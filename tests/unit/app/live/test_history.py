"""The points of the charts."""

import msgspec

from app.live.history import History
from models.timestamps import format_timestamp
from models.windows import WindowRecord
from tests.support.live import T0, figures, window


def add(history: History, seconds: float, plays: int) -> None:
    at_ms = T0 + round(seconds * 1000)
    record = window("1m", "all", "", at_ms, figures(plays, stall_ms=500, watch_ms=1500))
    history.add(msgspec.json.decode(record.value or b"", type=WindowRecord), at_ms)


def test_point_has_the_figures_and_the_time_of_the_first_record_of_its_step() -> None:
    history = History()
    for seconds, plays in ((1.2, 7), (4.9, 8), (5.0, 9), (3.0, 10)):
        add(history, seconds, plays)
    assert [(it.at, it.plays) for it in history.points] == [
        (format_timestamp(T0 + 1200), 7),
        (format_timestamp(T0 + 5000), 9),
    ]
    first = history.points[0]
    assert (first.rebuffer_ratio, first.completion_ratio, first.startup_p95_ms) == (0.25, 0.0, None)
    assert msgspec.to_builtins(first).keys() >= {"startupP50Ms", "rebufferRatio", "activeViewers"}


def test_an_hour_is_kept() -> None:
    history = History()
    for number in range(1000):
        add(history, 5 * number, number)
    assert [it.plays for it in history.points] == list(range(280, 1000))
    add(history, 5 * 1000 + 1800, 1)
    assert history.points[0].plays == 641
    assert history.points[0].at == format_timestamp(T0 + 5 * 641_000)


def test_points_after_a_number_come_in_order_and_end() -> None:
    history = History()
    for number in range(4):
        add(history, 5 * number, number)
    assert [it.plays for it in history.after(1)] == [1, 2, 3]
    assert history.after(history.taken) == []


def test_history_that_was_cleared_begins_anew_with_higher_numbers() -> None:
    history = History()
    add(history, 100, 1)
    taken = history.taken
    history.clear()
    assert history.after(0) == []
    add(history, 0, 2)
    assert [it.plays for it in history.after(taken)] == [2]
