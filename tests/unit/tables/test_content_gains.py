"""What contents gain, through the state of one partition, as the messages that tell of it."""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoints import Totals
from models.content_figures import (
    COMPLETIONS,
    ENDED_VIEWS,
    IMPRESSIONS,
    LIKES,
    MEASURED_VIEWS,
    PLAYS,
    QOE_LIMITED_SKIPS,
    REBUFFER_MS,
    SAVES,
    SHARES,
    SKIPS,
    SUMS,
    WATCH_MS,
    WATCHED_BASIS_POINTS,
)
from models.content_partials import ContentPartial, decode_content_partial
from tables.content_gains import CUT_MS, MAX_PENDING, MINUTE_MS
from tests.support.contents import gained
from tests.support.core import (
    T0,
    Core,
    FakeRecord,
    at_ms,
    complete,
    event,
    impression,
    play,
    progress,
    stall,
    swipe,
)
from tests.support.sessions import MAX_DELAY_MS, arrived, random_session

EXACT = (IMPRESSIONS, PLAYS, COMPLETIONS, REBUFFER_MS, LIKES)
_BASIS_POINTS = 10_000
MINUTE = T0 - T0 % MINUTE_MS

Key = tuple[int, str]


def partials(core: Core) -> list[ContentPartial]:
    return [decode_content_partial(value) for _, value in core.outputs.content_values]


def by_content(core: Core) -> dict[str, list[int]]:
    """The sums by content, once everything is over."""
    core.settle(core.states[0].clock_ms)
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * SUMS)
    for (_, content_id), (amounts, _) in gained(core.outputs.content_values).items():
        sums[content_id] = [a + b for a, b in zip(sums[content_id], amounts, strict=True)]
    return sums


def sent(*events: dict[str, Any]) -> Core:
    core = Core()
    core.send(*events)
    return core


def test_every_event_counts_for_its_content() -> None:
    sums = by_content(
        sent(
            impression(0),
            play(1),
            progress(2, 1.0, duration=10.0),
            stall(3, 300),
            progress(5, 2.0, duration=10.0),
            event("like", 6),
            event("save", 7),
            event("share", 8, platform="mail"),
            complete(9, 10.0),
            swipe(10, 11.0),
        )
    )
    expected = dict.fromkeys(
        (IMPRESSIONS, PLAYS, COMPLETIONS, LIKES, SAVES, SHARES, ENDED_VIEWS), 1
    )
    expected |= {REBUFFER_MS: 300, WATCH_MS: 11_000, MEASURED_VIEWS: 1}
    expected |= {WATCHED_BASIS_POINTS: _BASIS_POINTS}
    assert sums == {"a": [expected.get(figure, 0) for figure in range(SUMS)]}


def test_an_event_without_a_viewer_counts_for_its_content_too() -> None:
    alone: dict[str, Any] = {"session": None}
    sums = by_content(
        sent(
            impression(0, **alone),
            play(1, **alone),
            complete(2, 3.0, **alone),
            stall(3, 200, **alone),
            event("like", 4, **alone),
            event("save", 5, **alone),
            event("share", 6, platform="mail", **alone),
        )
    )
    expected = dict.fromkeys((IMPRESSIONS, PLAYS, COMPLETIONS, LIKES, SAVES, SHARES), 1)
    expected[REBUFFER_MS] = 200
    assert sums == {"a": [expected.get(figure, 0) for figure in range(SUMS)]}


def test_a_stall_that_comes_after_the_swipe_makes_the_skip_no_fault_of_the_content() -> None:
    core = Core()
    events = [play(1), swipe(2.5, 1.0), stall(2, 100)]
    core.feed((T0 + 5_000, json.dumps(fields).encode()) for fields in events)
    sums = by_content(core)["a"]
    assert (sums[SKIPS], sums[QOE_LIMITED_SKIPS]) == (1, 1)


def test_gains_are_of_the_minute_of_the_event() -> None:
    seconds_left = (MINUTE_MS - T0 % MINUTE_MS) / 1000
    core = sent(impression(seconds_left - 0.001), impression(seconds_left))
    core.tick(T0 + 5 * MINUTE_MS)
    assert sorted(gained(core.outputs.content_values)) == [(MINUTE, "a"), (MINUTE + MINUTE_MS, "a")]


def test_gains_are_published_when_the_server_time_enters_another_interval() -> None:
    core = sent(impression(0.5))
    core.tick(T0 + CUT_MS - 1)
    assert core.outputs.content_values == []
    core.tick(T0 + CUT_MS)
    (partial,) = partials(core)
    assert (partial.partition, partial.offset, partial.clock_ms) == (0, 2, T0 + CUT_MS - 1)
    core.tick(T0 + 3 * CUT_MS)
    assert len(core.outputs.content_values) == 1


def test_a_publication_goes_to_the_partition_of_its_content() -> None:
    core = Core(partitions=3)
    core.feed([(T0, json.dumps(impression(0, name)).encode()) for name in ("a", "b", "c", "d")], 1)
    core.tick(T0 + CUT_MS)
    found = {to: sorted(gained([(to, value)])) for to, value in core.outputs.content_values}
    assert found == {
        ord("a") % 3: [(MINUTE, "a"), (MINUTE, "d")],
        ord("b") % 3: [(MINUTE, "b")],
        ord("c") % 3: [(MINUTE, "c")],
    }


def test_no_more_wait_than_the_limit_however_slow_the_clock() -> None:
    core = Core()
    most = 0
    for number in range(3 * MAX_PENDING):
        shown = impression(0, f"c{number}", session=f"s{number}")
        core.feed([(T0, json.dumps(shown).encode())])
        most = max(most, core.states[0].contents.pending)
    assert most == MAX_PENDING
    sizes = [len(gained([published])) for published in core.outputs.content_values]
    assert sizes == [MAX_PENDING] * 2
    offsets = [partial.offset for partial in partials(core)]
    assert offsets == sorted(set(offsets))


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_figures_by_minute_are_those_of_the_right_order_for_delays_of_up_to_20_s(
    rng: random.Random,
) -> None:
    events = random_session(rng)

    def exact(delays_ms: list[int]) -> dict[Key, list[int]]:
        core = arrived(events, delays_ms)
        core.settle(T0 + 20 * MINUTE_MS)
        found = {
            key: [sums[figure] for figure in EXACT]
            for key, (sums, _) in gained(core.outputs.content_values).items()
        }
        return {key: sums for key, sums in found.items() if any(sums)}

    assert exact([rng.randint(0, MAX_DELAY_MS) for _ in events]) == exact(
        [MAX_DELAY_MS] * len(events)
    )


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_is_counted_of_views_is_what_the_views_say_however_late_events_are(
    rng: random.Random,
) -> None:
    # A completion counts even where a search result alone makes it no view.
    events = [
        fields for fields in random_session(rng) if fields["data"].get("entryPoint") != "search"
    ]
    core = arrived(events, [rng.randint(0, 150_000) for _ in events])
    sums = by_content(core)
    for content_id in "abc":
        views = [view for view in core.outputs.views if view["contentId"] == content_id]
        started = [view for view in views if view["startupMs"] is not None]
        measured = [view for view in started if view["durationSeconds"]]
        watched = sum(
            min(
                _BASIS_POINTS,
                round(view["watchSeconds"] * 1000)
                * _BASIS_POINTS
                // round(view["durationSeconds"] * 1000),
            )
            for view in measured
        )
        total = sums[content_id]
        assert total[PLAYS] == total[ENDED_VIEWS] == len(started)
        assert total[COMPLETIONS] == sum(view["completed"] for view in views)
        assert total[MEASURED_VIEWS] == len(measured)
        assert total[WATCHED_BASIS_POINTS] == watched
        assert total[WATCH_MS] == sum(round(view["watchSeconds"] * 1000) for view in views)


def records(rng: random.Random) -> list[FakeRecord]:
    """Two viewers over some minutes, with silence that makes views time out."""
    events = random_session(rng) + [
        fields | {"sessionId": "s2", "eventId": f"2-{fields['eventId']}"}
        for fields in random_session(rng)
    ]
    arrivals = sorted(
        (at_ms(fields) + rng.randint(0, 30_000), n) for n, fields in enumerate(events)
    )
    found = [
        FakeRecord(offset, server_ms, json.dumps(events[number]).encode())
        for offset, (server_ms, number) in enumerate(arrivals)
    ]
    end_ms = arrivals[-1][0]
    for minute in range(1, 20):
        found.append(
            FakeRecord(len(found), end_ms + minute * MINUTE_MS, None, headers=(("pv-tick", b""),))
        )
    return found


def applied(core: Core, taken: Sequence[FakeRecord], rng: random.Random) -> None:
    """Apply records in folds of any length."""
    rest = list(taken)
    while rest:
        length = rng.randint(1, 6)
        core.apply(rest[:length])
        rest = rest[length:]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_partition_that_is_read_again_publishes_the_same_however_it_is_folded(
    rng: random.Random,
) -> None:
    all_records = records(rng)
    first, second = Core(), Core()
    first.apply(all_records)
    applied(second, all_records, rng)
    assert second.outputs.content_values == first.outputs.content_values


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_restored_partition_publishes_what_it_would_have(rng: random.Random) -> None:
    all_records = records(rng)
    whole = Core()
    whole.apply(all_records)
    place = rng.randint(1, len(all_records))
    before, after = Core(), Core()
    applied(before, all_records[:place], rng)
    saved, restored = before.states[0], after.states[0]
    saved.views.log.begin(saved.clock_ms)
    assert saved.views.log.write(len(all_records))
    cut = saved.views.log.end()
    if cut.payload is not None:
        restored.views.log.load(cut.number, cut.payload)
    for start_ms, payload in saved.panes.cut():
        restored.panes.load(start_ms, payload)
    gains = saved.contents.save()
    if gains is not None:
        restored.contents.load(gains)
    restored.restore(
        saved.upto,
        Totals(
            clock_ms=saved.clock_ms,
            swept_ms=saved.swept_ms,
            accepted=saved.accepted,
            opened=saved.views.opened,
        ),
    )
    after.apply(all_records)
    both = before.outputs.content_values + after.outputs.content_values
    assert gained(both) == gained(whole.outputs.content_values)
    assert [p.offset for core in (before, after) for p in partials(core)] == [
        p.offset for p in partials(whole)
    ]


@pytest.mark.parametrize("seconds", [1, 3])
def test_nothing_is_saved_of_what_is_published(seconds: int) -> None:
    core = sent(impression(0))
    core.tick(T0 + seconds * 1000)
    assert (core.states[0].contents.save() is None) == (seconds * 1000 >= CUT_MS)
