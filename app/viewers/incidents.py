"""How things go wrong: what an incident changes, for which sessions, from when to when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from app.viewers.population import Viewer

FOR_EVER_MS = 1 << 62


class Conditions(NamedTuple):
    """What playback is like for one session at one moment; by default as in quiet times.

    The chances, from 0 to 1, come on top of those of quiet times.
    """

    stalls_per_second: float = 0.0012
    """Stalls per second of playing."""
    stall_median_ms: float = 450.0
    startup_factor: float = 1.0
    """What the startup time of quiet times is multiplied by."""
    start_failure_chance: float = 0.0
    """That a view fails before its first frame."""
    playback_failure_chance: float = 0.0
    """That a view that started ends with a fatal error."""
    leave_chance: float = 0.0
    """That a viewer whose view went wrong closes the app."""


QUIET = Conditions()


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in ms since the start of the model, and how fast it comes and goes.

    It rises in a straight line for ``rise_ms`` from its start, and falls for ``fall_ms`` to its
    end.
    """

    start_ms: int
    end_ms: int
    rise_ms: int = 0
    fall_ms: int = 0

    def strength(self, at_ms: int) -> float:
        """0 outside, 1 at full strength, between the two on the ramps."""
        if not self.start_ms <= at_ms < self.end_ms:
            return 0.0
        risen = (at_ms - self.start_ms) / self.rise_ms if self.rise_ms else 1.0
        left = (self.end_ms - at_ms) / self.fall_ms if self.fall_ms else 1.0
        return min(1.0, risen, left)


@dataclass(frozen=True, slots=True)
class Effect:
    """Playback gets worse for the sessions whose ``dimension`` has this ``value``.

    ``dimension`` is a name of the event envelope: ``cdn``, ``appVersion`` and so on.
    """

    dimension: str
    value: str
    span: Span
    worst: Conditions

    def conditions(self, context: dict[str, str], at_ms: int) -> Conditions:
        """What it makes of playback for a session whose events carry ``context``."""
        if context.get(self.dimension) != self.value:
            return QUIET
        strength = self.span.strength(at_ms)
        if strength == 0.0:
            return QUIET
        mixed = ((1 - strength) * a + strength * b for a, b in zip(QUIET, self.worst, strict=True))
        return Conditions(*mixed)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A new version of the app reaches ``share`` of the new sessions at full strength of its span.

    Sessions keep the version they began with, so one that is rolled back fades out.
    """

    app_version: str
    share: float
    span: Span

    def reach(self, viewer: Viewer, rng: Random, at_ms: int) -> Viewer:
        """The viewer, with the new version if it is among those that have it already."""
        share = self.share * self.span.strength(at_ms)
        # Nothing is drawn outside the span: quiet times are the same with and without a rollout.
        if share == 0.0 or rng.random() >= share:
            return viewer
        return replace(viewer, app_version=self.app_version)


@dataclass(frozen=True, slots=True)
class Incident:
    """Effects and rollouts that belong together, and the slice that they are about.

    ``start_ms`` and ``end_ms`` say when it is announced and when it is over; ``title`` names it in
    a sentence.
    """

    title: str
    dimension: str
    value: str
    start_ms: int
    end_ms: int
    effects: Sequence[Effect]
    rollouts: Sequence[Rollout] = ()

    def hits(self, value: str, at_ms: int) -> bool:
        """Whether it goes on, and is about this value of its dimension."""
        return value == self.value and self.start_ms <= at_ms < self.end_ms

    def reach(self, viewer: Viewer, rng: Random, at_ms: int) -> Viewer:
        """A viewer whose session begins now, as the rollouts leave it."""
        for rollout in self.rollouts:
            viewer = rollout.reach(viewer, rng, at_ms)
        return viewer

    def conditions(self, context: dict[str, str], at_ms: int) -> Conditions:
        """Playback under all effects: of each property the worst."""
        found = QUIET
        for effect in self.effects:
            now = effect.conditions(context, at_ms)
            if now is not QUIET:
                found = Conditions(*map(max, found, now))
        return found


def conditions_of(incident: Incident | None, context: dict[str, str], at_ms: int) -> Conditions:
    """What playback is like under an incident, or without one."""
    return QUIET if incident is None else incident.conditions(context, at_ms)
