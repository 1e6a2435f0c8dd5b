"""What a viewer would do with a content if playback were perfect."""

from dataclasses import dataclass, replace
from random import Random

_WATCHES_TO_THE_END = 0.39
_LOOPS = 0.5
_LOOPS_AGAIN = 0.25
_MAX_LOOPS = 3
_SKIPS_AT_ONCE = 0.35
_LEAVES_BEFORE_START = 0.015
_START_FAILS = 0.002
_PLAYBACK_FAILS = 0.002
_HICCUP = 0.003
_LIKES = 0.06
_SAVES = 0.015
_SHARES = 0.01
_RENDITION_CHANGES = 0.05


@dataclass(frozen=True, slots=True)
class Intention:
    """Times of one view in ms of playing time, None where a thing does not happen."""

    watch_ms: int
    leaves_before_start: bool
    start_fails: bool
    playback_fails: bool
    hiccup_at_ms: int | None
    like_at_ms: int | None
    save_at_ms: int | None
    share_at_ms: int | None
    rendition_change_at_ms: int | None
    patience_ms: int
    """How much stalling the viewer sits through before going on to the next content."""

    def cut_short(self, watch_ms: int) -> "Intention":
        """The same, ended by a fatal error after ``watch_ms`` of playing."""
        return replace(self, watch_ms=max(1, watch_ms), playback_fails=True)


def draw_intention(rng: Random, duration_ms: int) -> Intention:
    """Draw one view of a content that lasts ``duration_ms``."""
    watch_ms = _watch_ms(rng, duration_ms)

    def sometimes(chance: float) -> int | None:
        # Both numbers are always drawn: one view's luck must not change the views after it.
        happens, at_ms = rng.random() < chance, rng.randint(watch_ms // 4, watch_ms - 1)
        return at_ms if happens else None

    return Intention(
        watch_ms=watch_ms,
        leaves_before_start=rng.random() < _LEAVES_BEFORE_START,
        start_fails=rng.random() < _START_FAILS,
        playback_fails=rng.random() < _PLAYBACK_FAILS,
        hiccup_at_ms=sometimes(_HICCUP),
        like_at_ms=sometimes(_LIKES),
        save_at_ms=sometimes(_SAVES),
        share_at_ms=sometimes(_SHARES),
        rendition_change_at_ms=sometimes(_RENDITION_CHANGES),
        patience_ms=round(4_000 * rng.lognormvariate(0.0, 0.5)),
    )


def _watch_ms(rng: Random, duration_ms: int) -> int:
    if rng.random() < _WATCHES_TO_THE_END:
        if rng.random() >= _LOOPS:
            return duration_ms
        loops = 1
        while loops < _MAX_LOOPS and rng.random() < _LOOPS_AGAIN:
            loops += 1
        return duration_ms * loops + round(duration_ms * rng.uniform(0.05, 0.9))
    if rng.random() < _SKIPS_AT_ONCE:
        return rng.randint(400, 2_000)
    return max(500, round(duration_ms * min(rng.betavariate(1.2, 1.5), 0.97)))
