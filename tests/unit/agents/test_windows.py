import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faust.types import TP

from agents.windows import UNATTENDED_MS, Windows
from models.figures import PLAYS, REBUFFER_MS, WATCH_MS, new_figures
from models.partials import PanePartial, Partial, encode_partial
from tests.support.core import T0, FakeRecord

PANES = "playvitals.panes"


class Length(NamedTuple):
    label: str
    seconds: int


@dataclass
class FakeOutputs:
    windows: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)

    def window(self, key: str, value: bytes | None, clock_ms: int) -> None:
        self.windows.append((key, None if value is None else json.loads(value)))

    async def wait_room(self) -> None:
        return

    def take(self) -> dict[str, dict[str, Any] | None]:
        taken, self.windows = dict(self.windows), []
        return taken


def windows(*published: str, now_ms: int = T0) -> tuple[Windows, FakeOutputs]:
    outputs = FakeOutputs()

    async def keys() -> list[str]:
        return list(published)

    lengths = [Length("1m", 60), Length("5m", 300)]
    merged = Windows(lengths, 60, outputs, 5000, keys, lambda: now_ms)
    merged.assign([3])
    return merged, outputs


def message(
    offset: int, clock_ms: int, plays: int = 0, dimension: str = "all", value: str = ""
) -> FakeRecord:
    panes = []
    if plays:
        figures = new_figures()
        figures.sums[PLAYS] = plays
        figures.sums[REBUFFER_MS] = 1000
        figures.sums[WATCH_MS] = 9000
        panes = [PanePartial(T0, {value: figures})]
    partial = Partial(0, offset, clock_ms, dimension, panes)
    return FakeRecord(offset, clock_ms, encode_partial(partial))


async def test_nothing_is_exported_before_the_end_seen_at_assignment_is_reached() -> None:
    merged, outputs = windows()
    merged.apply(3, [message(0, T0, 5)])
    merged.check_ready(lambda _: 2)
    await merged.publish()
    assert (outputs.windows, list(merged.slices()), merged.is_ready()) == ([], [], False)
    merged.apply(3, [message(1, T0 + 1, 6)])
    merged.check_ready(lambda _: 9)
    await merged.publish()
    assert merged.is_ready()
    assert outputs.take()["1m|all|"] == {
        "window": "1m",
        "dimension": "all",
        "value": "",
        "start": "2023-11-14T22:12:20.001Z",
        "end": "2023-11-14T22:13:20.001Z",
        "impressions": 0,
        "plays": 6,
        "completions": 0,
        "endedViews": 0,
        "rebufferedViews": 0,
        "exitsBeforeStart": 0,
        "startFailures": 0,
        "playbackFailures": 0,
        "rebuffers": 0,
        "rebufferMs": 1000,
        "watchMs": 9000,
        "downshifts": 0,
        "activeViewers": 0,
        "rebufferRatio": 0.1,
        "rebufferedViewsRatio": None,
        "completionRatio": 0.0,
        "exitsBeforeStartRatio": None,
        "startFailureRatio": None,
        "playbackFailureRatio": None,
        "waitRatio": 0.1,
        "meanStallMs": None,
        "startup": {
            "count": 6,
            "meanMs": 0.0,
            "p50Ms": None,
            "p90Ms": None,
            "p95Ms": None,
            "p99Ms": None,
        },
    }


async def test_unchanged_slice_is_published_again_only_when_the_clock_moved_on() -> None:
    merged, outputs = windows()
    merged.apply(3, [message(0, T0, 5)])
    merged.check_ready(lambda _: 1)
    await merged.publish()
    outputs.take()
    merged.apply(3, [message(1, T0 + 4999)])
    await merged.publish()
    assert outputs.take() == {}
    merged.apply(3, [message(2, T0 + 5000)])
    await merged.publish()
    again = outputs.take()["1m|all|"]
    assert again is not None
    assert again["end"] == "2023-11-14T22:13:25.000Z"


async def test_slice_that_is_empty_gets_one_tombstone_and_all_stays() -> None:
    merged, outputs = windows()
    merged.apply(3, [message(0, T0, 5, "codec", "av1"), message(1, T0, 5)])
    merged.check_ready(lambda _: 2)
    await merged.publish()
    assert outputs.take().keys() == {"1m|codec|av1", "5m|codec|av1", "1m|all|", "5m|all|"}
    merged.apply(3, [message(2, T0 + 60_000, 0, "codec"), message(3, T0 + 60_000)])
    await merged.publish()
    taken = outputs.take()
    assert taken["1m|codec|av1"] is None
    assert taken["5m|codec|av1"] is not None
    assert (taken["1m|all|"] or {})["plays"] == 0
    await merged.publish()
    assert outputs.take() == {}


async def test_series_of_a_lost_partition_go_at_once() -> None:
    merged, _ = windows()
    merged.apply(3, [message(0, T0, 5)])
    merged.check_ready(lambda _: 1)
    assert len(list(merged.slices())) == 2
    merged.assign([4])
    assert list(merged.slices()) == []
    merged.apply(3, [message(1, T0, 7)])
    assert list(merged.slices()) == []


def test_kept_partition_goes_on_where_it_was_and_a_gained_one_starts_at_its_beginning() -> None:
    merged, _ = windows()
    assert merged.position(TP(PANES, 3)) is None
    merged.apply(3, [message(0, T0, 5)])
    assert merged.position(TP(PANES, 3)) == 1
    merged.assign([3, 4])
    assert (merged.position(TP(PANES, 3)), merged.position(TP(PANES, 4))) == (1, None)


async def test_what_another_worker_published_and_is_empty_by_now_is_deleted() -> None:
    merged, outputs = windows()
    fold = [
        message(0, T0, 5, "codec", "av1"),
        message(1, T0 + 90_000, 0, "codec"),
    ]
    merged.apply(3, fold)
    merged.check_ready(lambda _: 2)
    await merged.publish()
    published = outputs.take()
    assert published["1m|codec|av1"] is None
    assert published["5m|codec|av1"] is not None
    await merged.publish()
    assert outputs.take() == {}, "once is enough"


async def test_after_a_long_absence_the_topic_itself_tells_what_was_published() -> None:
    leftovers = ("1m|codec|vp9", "5m|codec|av1", "1m|country|FI")
    merged, outputs = windows(*leftovers, now_ms=T0 + UNATTENDED_MS + 1)
    merged.apply(3, [message(0, T0, 5, "codec", "av1")])
    merged.check_ready(lambda _: 1)
    await merged.publish()
    published = outputs.take()
    assert published["1m|codec|vp9"] is None
    assert published["5m|codec|av1"] is not None
    assert "1m|country|FI" not in published, "another worker may merge that dimension"
