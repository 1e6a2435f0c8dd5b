"""Random sessions, for properties that hold whatever a player sends."""

import json
import random
from typing import Any

from tests.support.core import (
    Core,
    at_ms,
    complete,
    event,
    impression,
    play,
    progress,
    stall,
    swipe,
)

MAX_DELAY_MS = 20_000


def random_session(rng: random.Random) -> list[dict[str, Any]]:
    """Anything that a player might send of three contents, in any order, each at its own time.

    What belongs to a view (progress, stalls, likes) comes within 5 s of something that tells that
    it is on; the rest is arbitrary: two first frames, completions of what never started, swipes
    away from what was never shown.
    """
    events: list[dict[str, Any]] = []
    clock_s, content, told_s = 0.0, "a", -10.0
    for number in range(rng.randint(2, 30)):
        clock_s = round(clock_s + rng.choice((0.3, 3.0, 15.0)) * rng.random() + 0.001, 3)
        known: dict[str, Any] = {"event_id": str(number)}
        if clock_s - told_s < 5 and rng.random() < 0.3:
            events.append(
                rng.choice(
                    (
                        stall(clock_s, rng.randint(1, 900), content, **known),
                        progress(clock_s, 3.0, content, **known),
                        event("like", clock_s, content, **known),
                    )
                )
            )
            continue
        content = rng.choice("abc")
        kind = rng.choices(("impression", "play", "complete", "swipe"), (3, 5, 3, 3))[0]
        if kind == "impression":
            entry_point = rng.choice(("feed", "search"))
            events.append(impression(clock_s, content, entryPoint=entry_point, **known))
        elif kind == "play":
            events.append(play(clock_s, content, startup=rng.randint(0, 900), **known))
        elif kind == "complete":
            events.append(complete(clock_s, 5.0, content, **known))
        else:
            events.append(swipe(clock_s, 2.0, content, to=rng.choice("abc"), **known))
        told_s = clock_s if kind != "swipe" else -10.0
    return events


def arrived(events: list[dict[str, Any]], delays_ms: list[int]) -> Core:
    """A core that took each event with its delay."""
    core = Core()
    late = sorted(
        ((at_ms(fields) + delay, fields) for fields, delay in zip(events, delays_ms, strict=True)),
        key=lambda arrival: arrival[0],
    )
    core.feed((server_ms, json.dumps(fields).encode()) for server_ms, fields in late)
    return core
