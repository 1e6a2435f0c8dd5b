"""How many events a measurement needs to take long enough, on a machine of any speed."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

MAX_EVENTS = 20_000_000
"""About 15 GB in the embedded broker, with what the worker writes."""
WARM_UP_SECONDS = 5.0
"""Left out of a measurement that is longer: partitions are assigned and caches are filled."""
ENOUGH = 0.7
"""A measurement that took this share of the wanted time is taken as it is."""
SPARE = 1.15
"""So much more load than the last rate would work off, so that the backlog stays full."""
LEAST_EVENT_SECONDS = 120.0
"""A load over a shorter time would be of viewers who have just begun."""

_ROUND_EVENTS = 10_000


class Timed(Protocol):
    """A measurement that knows how long it took."""

    @property
    def seconds(self) -> float:
        """Of the measurement itself."""

    @property
    def events_per_second(self) -> float:
        """During these seconds."""


T = TypeVar("T", bound=Timed)


def load_seconds(seconds: float) -> float:
    """How long a load for a measurement of ``seconds`` takes to be worked off."""
    return (WARM_UP_SECONDS + seconds) * SPARE


def event_seconds(seconds: float) -> float:
    """The event time such a load spans: as long as it takes, and long enough for views to end."""
    return max(LEAST_EVENT_SECONDS, load_seconds(seconds))


async def long_enough(
    measure: Callable[[int], Awaitable[T]], events: int, seconds: float, limit: int = MAX_EVENTS
) -> T:
    """Measure with ``events``; where that took too short a time, again with as many as it needs."""
    result = await measure(min(events, limit))
    if result.seconds >= ENOUGH * seconds or events >= limit:
        return result
    needed = result.events_per_second * load_seconds(seconds)
    return await measure(
        min(limit, max(_ROUND_EVENTS, -(-round(needed) // _ROUND_EVENTS) * _ROUND_EVENTS))
    )
