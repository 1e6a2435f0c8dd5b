"""Timers fire in their order, whatever order they are set in, and keep no view that is over."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from models.dimensions import Slices
from models.views import OPEN, SWIPED, View
from tables.timers import TRIM_VIEWS, ViewTimers

SLICES = Slices(())


def view(number: int) -> View:
    return View(number, "v", "c", "v", None, None, 0, "e", 0, SLICES, ())


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_timers_fire_by_time_and_then_by_number(rng: random.Random) -> None:
    timers = ViewTimers()
    waiting: dict[int, View] = {}
    clock_ms = 0
    for number in range(rng.randint(1, 60)):
        fresh = view(number)
        # Mostly in the order in which they fire, as they are.
        due_ms = clock_ms + (100 if rng.random() < 0.7 else rng.randint(0, 200))
        if rng.random() < 0.5:
            timers.set_timeout(fresh, due_ms, len(waiting))
        else:
            fresh.ended_by = SWIPED
            timers.set_publication(fresh, due_ms)
        waiting[number] = fresh
        if rng.random() < 0.3:
            ended = rng.choice(list(waiting.values()))
            if ended.ended_by == OPEN:
                ended.ended_by = SWIPED
                timers.set_publication(ended, clock_ms + 30)
        clock_ms += rng.randint(0, 10)
        expected = sorted((w.due_ms, w.number) for w in waiting.values() if w.due_ms <= clock_ms)
        fired = []
        while (due := timers.pop_due(clock_ms)) is not None:
            fired.append((due.due_ms, due.number))
            del waiting[due.number]
        assert fired == expected
    assert timers.pop_due(clock_ms) is None


def test_the_next_time_out_is_that_of_an_open_view() -> None:
    timers = ViewTimers()
    first, second, third = view(0), view(1), view(2)
    timers.set_timeout(first, 30, 3)
    timers.set_timeout(second, 20, 3)
    timers.set_timeout(third, 40, 3)
    second.ended_by = SWIPED
    assert timers.pop_timeout() is first
    assert timers.pop_timeout() is third
    assert timers.pop_timeout() is None


def test_views_that_ended_are_not_kept_until_they_would_have_timed_out() -> None:
    timers = ViewTimers()
    hour_ms = 3_600_000
    for number in range(20 * TRIM_VIEWS):
        fresh = view(number)
        timers.set_timeout(fresh, hour_ms + number, 1)
        fresh.ended_by = SWIPED
        timers.set_publication(fresh, number + 30)
        while timers.pop_due(number) is not None:
            pass
        assert len(timers) <= 3 * TRIM_VIEWS
