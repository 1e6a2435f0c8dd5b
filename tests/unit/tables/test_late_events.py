"""Events that come in after later ones of their viewer, through the state of one partition."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.figures import COMPLETIONS, ENDED_VIEWS, PLAYS, REBUFFER_MS, REBUFFERS, STARTUP_MS
from models.timestamps import format_timestamp
from tests.support.core import (
    T0,
    Core,
    at_ms,
    complete,
    event,
    impression,
    play,
    swipe,
)
from tests.support.sessions import MAX_DELAY_MS, arrived, random_session

EXACT = (PLAYS, COMPLETIONS, REBUFFERS, REBUFFER_MS, STARTUP_MS)
_SEEN = ("contentId", "startedAt", "outcome", "startupMs", "completed")


def exact_figures(core: Core) -> dict[int, tuple[list[int], dict[int, int]]]:
    """Of every pane what has to be exact."""
    core.states[0].panes.fold()
    found = {}
    for start_ms, pane in core.states[0].panes._panes.items():  # noqa: SLF001
        figures = pane.totals["all"].get("")
        if figures is not None:
            sums = [figures.sums[figure] for figure in EXACT]
            if any(sums) or figures.startups:
                found[start_ms] = sums, figures.startups
    return found


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_figures_are_those_of_the_right_order_for_delays_of_up_to_20_s(rng: random.Random) -> None:
    events = random_session(rng)
    # The order of arrival is what was drawn: two that come in at once stay as they are.
    in_order = arrived(events, [MAX_DELAY_MS] * len(events))
    shuffled = arrived(events, [rng.randint(0, MAX_DELAY_MS) for _ in events])
    assert exact_figures(shuffled) == exact_figures(in_order)


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_batches_that_come_in_the_wrong_order_change_no_figure(rng: random.Random) -> None:
    events = random_session(rng)
    delays_ms = []
    for fields in events:
        batch = (at_ms(fields) - T0) // 5_000
        # Every second batch of 5 s arrives 10 s late, after the one that follows it.
        arrives_ms = T0 + (batch + (3 if batch % 2 else 1)) * 5_000
        delays_ms.append(arrives_ms - at_ms(fields))
    in_order = arrived(events, [MAX_DELAY_MS] * len(events))
    assert exact_figures(arrived(events, delays_ms)) == exact_figures(in_order)


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_views_have_ids_of_their_own_however_late_events_are(rng: random.Random) -> None:
    events = random_session(rng)
    core = arrived(events, [rng.randint(0, 150_000) for _ in events])
    core.settle(core.states[0].clock_ms)
    ids = [view["viewId"] for view in core.outputs.views]
    assert len(set(ids)) == len(ids)
    assert core.states[0].views.open_views == 0


def views_of(*events: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Content, start, outcome, startup time and completion of the views, by their start."""
    core = Core()
    core.feed((T0 + 60_000, json.dumps(fields).encode()) for fields in events)
    core.settle(T0 + 60_000)
    return sorted(
        (tuple(view[name] for name in _SEEN) for view in core.outputs.views),
        key=lambda seen: seen[1],
    )


def at(seconds: float) -> str:
    return format_timestamp(T0 + round(seconds * 1000))


def test_first_frame_in_between_makes_two_views_of_one() -> None:
    assert views_of(play(1, startup=100), play(9, startup=900), play(5, "b", startup=500)) == [
        ("a", at(1), "replaced", 100, False),
        ("b", at(5), "replaced", 500, False),
        ("a", at(9), "timed_out", 900, False),
    ]


def test_viewer_who_came_back_is_counted_whichever_play_comes_in_last() -> None:
    expected = [
        ("a", at(1), "replaced", 100, False),
        ("b", at(5), "replaced", 500, False),
        ("a", at(9), "timed_out", 900, False),
    ]
    plays = [play(1, startup=100), play(5, "b", startup=500), play(9, startup=900)]
    for order in ((2, 1, 0), (1, 2, 0), (1, 0, 2), (2, 0, 1), (0, 2, 1)):
        assert views_of(*(plays[place] for place in order)) == expected


def test_earlier_first_frame_of_the_same_view_takes_the_place_of_the_one_that_counted() -> None:
    core = Core()
    core.feed((T0 + 9_000, json.dumps(f).encode()) for f in (play(5, startup=900), play(1)))
    sums = core.rolling().sums
    assert (sums[PLAYS], sums[STARTUP_MS]) == (1, 400)
    assert core.counters.total(PLAYS) == 1


def test_completion_goes_to_the_view_that_turns_out_to_have_been_on() -> None:
    assert views_of(play(1), play(5, "b"), complete(12, 3), play(9, startup=900)) == [
        ("a", at(1), "replaced", 400, False),
        ("b", at(5), "replaced", 400, False),
        ("a", at(9), "completed", 900, True),
    ]


def test_impression_of_the_next_view_goes_with_it() -> None:
    core = Core()
    late = [play(1), impression(8, position=4, entryPoint="share"), play(9), play(5, "b")]
    core.feed((T0 + 60_000, json.dumps(fields).encode()) for fields in late)
    core.settle(T0 + 60_000)
    first, _, second = sorted(core.outputs.views, key=lambda view: str(view["startedAt"]))
    assert (second["position"], second["entryPoint"], second["startedAt"]) == (4, "share", at(8))
    assert first["startedAt"] == at(1)


def test_play_is_counted_under_what_it_names_itself_after_a_split() -> None:
    core = Core()
    late = [play(1, codec="h264"), play(9, codec="av1"), play(5, "b", codec="vp9")]
    core.feed((T0 + 60_000, json.dumps(fields).encode()) for fields in late)
    for codec in ("h264", "av1", "vp9"):
        assert core.rolling("codec", codec).sums[PLAYS] == 1


def test_event_after_half_a_minute_goes_to_the_view_that_was_on() -> None:
    core = Core()
    core.send(play(1), play(5, "b"), play(50, "c"))
    core.feed([(T0 + 100_000, json.dumps(complete(20, 9, "b")).encode())])
    core.feed([(T0 + 100_000, json.dumps(swipe(60, 9, "c", to="d")).encode())])
    core.settle(T0 + 100_000)
    by_content = {view["contentId"]: view for view in core.outputs.views if view["startupMs"]}
    assert by_content["c"]["outcome"] == "swiped"
    assert core.rolling().sums[COMPLETIONS] == 1


def test_view_that_timed_out_stays_ended_for_what_came_after() -> None:
    core = Core(timeout_ms=60_000)
    core.send(play(5, event_id="first"))
    core.feed([(T0 + 84_000, _json(play(82, startup=700, event_id="again")))])
    core.feed([(T0 + 87_000, _json(complete(60, 5)))])
    core.feed([(T0 + 90_000, _json(event("like", 81.5)))])
    (session,) = core.states[0].views._sessions.values()  # noqa: SLF001
    assert core.states[0].views.open_views == len(session.open) == 1
    assert core.rolling().sums[PLAYS] == 2
    core.settle(T0 + 90_000)
    assert [
        (view["startupMs"], view["completed"])
        for view in sorted(core.outputs.views, key=lambda view: str(view["startedAt"]))
    ] == [(400, True), (700, False)]


@pytest.mark.parametrize("late_s", [15, 25])
def test_first_frame_long_after_the_view_was_left_is_a_view_that_has_ended(late_s: int) -> None:
    core = Core()
    core.send(play(1), play(30, "b"), play(60, "c"))
    core.feed([(T0 + 75_000, json.dumps(play(late_s, "z")).encode())])
    core.settle(T0 + 75_000)
    assert {view["contentId"]: view["outcome"] for view in core.outputs.views}["z"] == "replaced"
    assert core.rolling().sums[ENDED_VIEWS] == 4


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()
