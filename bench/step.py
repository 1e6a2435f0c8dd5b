"""One of the things that ``make bench`` measures: what it is given, and what it finds."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """For how long each is measured, for how long our worker's steady rate is, and the seed."""

    seconds: float
    sustained_seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Of a step: for programs, and as a table for people."""

    result: dict[str, object]
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """``measure`` takes how it is to be done, and whom to tell what it is at."""

    name: str
    title: str
    measure: Callable[[Plan, Say], Coroutine[None, None, Findings]]
