"""The contents that the synthetic viewers find in their feed."""

from dataclasses import dataclass
from itertools import accumulate
from random import Random

CONTENTS = 400
_POPULARITY_EXPONENT = 0.9
_MEDIAN_DURATION_SECONDS = 14.0
_DURATION_SPREAD = 0.5
_SHORTEST_MS = 5_000
_LONGEST_MS = 60_000


@dataclass(frozen=True, slots=True)
class Content:
    """One short video."""

    content_id: str
    duration_ms: int


class Catalogue:
    """Contents whose popularity follows Zipf's law: few are seen by most."""

    __slots__ = ("_cumulative_weights", "contents")

    def __init__(self, seed: int, size: int = CONTENTS) -> None:
        rng = Random(f"catalogue:{seed}")  # noqa: S311 - a simulation, not a secret
        self.contents = tuple(
            Content(f"clip-{number:04d}", _duration_ms(rng)) for number in range(1, size + 1)
        )
        weights = (1 / rank**_POPULARITY_EXPONENT for rank in range(1, size + 1))
        self._cumulative_weights = tuple(accumulate(weights))

    def pick(self, rng: Random, seen: set[str]) -> Content:
        """A content by popularity that is not among the ids in ``seen``; any if all were seen."""
        if len(seen) >= len(self.contents):
            seen = set()
        while True:
            content = rng.choices(self.contents, cum_weights=self._cumulative_weights)[0]
            if content.content_id not in seen:
                return content


def _duration_ms(rng: Random) -> int:
    seconds = _MEDIAN_DURATION_SECONDS * rng.lognormvariate(0.0, _DURATION_SPREAD)
    return min(max(round(seconds * 1000), _SHORTEST_MS), _LONGEST_MS)
