"""One view, from the impression to the moment the viewer is gone, as its player reports it."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.viewers.catalogue import Content
from app.viewers.incidents import Conditions, Incident, conditions_of
from app.viewers.intention import Intention
from app.viewers.population import LADDER, Viewer

PROGRESS_EVERY_MS = 5_000

_STEP_MS = 1_000
_STALL_SPREAD = 0.6
_MAX_STALL_MS = 20_000
_MAX_STARTUP_MS = 30_000
# A viewer waits longer for the first frame than for one that is overdue.
_START_PATIENCE = 2
_DOWNSHIFT_AFTER_STALL = 0.6
_ERROR_SCREEN_MS = 1_200
_AFTER_THE_END_MS = 350
_SHARE_TARGETS = ("whatsapp", "instagram", "copy-link", "messages")

_COMPLETION, _PROGRESS, _ACTION = range(3)


@dataclass(slots=True)
class Playback:
    """The events of one view so far: (offset in ms, event name, ``data``), in time order."""

    rng: Random
    viewer: Viewer
    context: dict[str, str]
    content: Content
    incident: Incident | None
    now_ms: int
    rendition: str = ""
    played_ms: int = 0
    stalled_ms: int = 0
    walked_out: bool = False
    """Whether the viewer closed the app because of this view."""
    reports: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def report(self, event: str, data: dict[str, Any] | None = None) -> None:
        """Note an event at the present moment."""
        self.reports.append((self.now_ms, event, data or {}))

    @property
    def position_seconds(self) -> float:
        """The playing position in the content; it starts over with every loop."""
        return self.played_ms % self.content.duration_ms / 1000

    def conditions(self) -> Conditions:
        """What playback is like now."""
        return conditions_of(self.incident, self.context, self.now_ms)

    def happens(self, chance: float) -> bool:
        """Draw whether something happens; nothing is drawn for what cannot."""
        return chance > 0.0 and self.rng.random() < chance

    def start(self) -> int:
        """Draw the startup time in ms and choose the rendition to begin with."""
        network = self.viewer.network
        self.rendition = network.rendition
        startup = network.startup_median_ms * self.rng.lognormvariate(0.0, network.startup_spread)
        return min(round(startup * self.conditions().startup_factor), _MAX_STARTUP_MS)

    def play_to(self, target_ms: int, patience_ms: int) -> bool:
        """Play on until ``target_ms`` of playing time, stalls included; False: the viewer gave up.

        A stall is reported when it is over, at the position at which it held playback.
        """
        while self.played_ms < target_ms:
            step_ms = min(_STEP_MS, target_ms - self.played_ms)
            conditions = self.conditions()
            if self.rng.random() >= conditions.stalls_per_second * step_ms / 1000:
                self._move(step_ms)
                continue
            self._move(self.rng.randrange(step_ms))
            spread = self.rng.lognormvariate(0.0, _STALL_SPREAD)
            stall_ms = round(conditions.stall_median_ms * spread)
            stall_ms = min(max(stall_ms, 50), _MAX_STALL_MS)
            self.now_ms += stall_ms
            self.stalled_ms += stall_ms
            self.report(
                "rebuffer",
                {
                    "duration": stall_ms,
                    "currentTime": self.position_seconds,
                    "rendition": self.rendition,
                },
            )
            if self.rng.random() < _DOWNSHIFT_AFTER_STALL:
                self.change_rendition(-1)
            if self.stalled_ms > patience_ms:
                return False
        return True

    def change_rendition(self, steps: int) -> None:
        """Switch by ``steps`` rungs of the ladder, as far as there are any."""
        rung = LADDER.index(self.rendition)
        target = LADDER[min(max(rung + steps, 0), len(LADDER) - 1)]
        if target != self.rendition:
            self.report("qualityChange", {"fromQuality": self.rendition, "toQuality": target})
            self.rendition = target

    def progress(self) -> None:
        """Report the position."""
        position = self.position_seconds
        duration = self.content.duration_ms / 1000
        self.report(
            "watchProgress",
            {
                "currentTime": position,
                "duration": duration,
                "percentComplete": round(100 * position / duration, 1),
                "rendition": self.rendition,
            },
        )

    def complete(self, watch_ms: int) -> None:
        """Report that the end was reached, and whether the content plays again."""
        rounds = self.played_ms // self.content.duration_ms
        looped = watch_ms > self.played_ms
        self.report(
            "completion",
            {
                "watchTime": self.played_ms / 1000,
                "looped": looped,
                "loopCount": rounds if looped else rounds - 1,
            },
        )

    def fail(self, code: str, message: str, *, fatal: bool) -> None:
        """Report a playback error."""
        self.report("error", {"errorCode": code, "errorMessage": message, "fatal": fatal})

    def leave(self, next_content: Content | None) -> None:
        """Swipe on to the next content, or put the phone away."""
        if next_content is None:
            if self.played_ms % self.content.duration_ms:
                self.progress()
            return
        self.report(
            "swipe",
            {
                "fromContentId": self.content.content_id,
                "toContentId": next_content.content_id,
                "watchTime": self.played_ms / 1000,
                "direction": "up",
            },
        )

    def _move(self, ms: int) -> None:
        self.played_ms += ms
        self.now_ms += ms


def watch(
    playback: Playback,
    intention: Intention,
    impression: dict[str, Any],
    next_content: Content | None,
) -> None:
    """Run one view to its end; ``playback`` holds its events and the time it ended."""
    playback.report("impression", impression)
    if not _went_well(playback, intention):
        playback.walked_out = playback.happens(playback.conditions().leave_chance)
    playback.leave(None if playback.walked_out else next_content)


def _went_well(playback: Playback, intention: Intention) -> bool:
    """Run a view up to the moment the viewer goes; False: it failed, or patience ran out."""
    rng = playback.rng
    startup_ms = playback.start()
    if intention.leaves_before_start:
        playback.now_ms += round(startup_ms * rng.uniform(0.2, 0.9))
        return True
    if startup_ms > _START_PATIENCE * intention.patience_ms:
        playback.now_ms += _START_PATIENCE * intention.patience_ms
        return False
    playback.now_ms += startup_ms
    conditions = playback.conditions()
    if intention.start_fails or playback.happens(conditions.start_failure_chance):
        playback.fail("MANIFEST_TIMEOUT", "the manifest did not arrive", fatal=True)
        playback.now_ms += _ERROR_SCREEN_MS
        return False
    playback.report(
        "playStart",
        {
            "startupTime": startup_ms,
            "rendition": playback.rendition,
            "codec": playback.viewer.codec,
            "autoplay": True,
        },
    )
    if playback.happens(conditions.playback_failure_chance):
        intention = intention.cut_short(round(intention.watch_ms * rng.uniform(0.1, 0.9)))
    for at_ms, kind, name in _milestones(intention, playback.content.duration_ms):
        if not playback.play_to(at_ms, intention.patience_ms):
            return False
        if kind == _PROGRESS:
            playback.progress()
        elif kind == _COMPLETION:
            playback.complete(intention.watch_ms)
        else:
            _act(playback, name)
    if not playback.play_to(intention.watch_ms, intention.patience_ms):
        return False
    if intention.playback_fails:
        playback.fail("MEDIA_DECODE", "the decoder stopped", fatal=True)
        playback.now_ms += _ERROR_SCREEN_MS
        return False
    if intention.watch_ms == playback.content.duration_ms:
        playback.now_ms += _AFTER_THE_END_MS
    return True


def _milestones(intention: Intention, duration_ms: int) -> list[tuple[int, int, str]]:
    """(playing time in ms, kind, action), in the order in which they are reached."""
    watch_ms = intention.watch_ms
    found = [(at, _COMPLETION, "") for at in range(duration_ms, watch_ms + 1, duration_ms)]
    found += [
        (at, _PROGRESS, "")
        for at in range(PROGRESS_EVERY_MS, watch_ms, PROGRESS_EVERY_MS)
        if at % duration_ms
    ]
    actions = (
        (intention.like_at_ms, "like"),
        (intention.save_at_ms, "save"),
        (intention.share_at_ms, "share"),
        (intention.hiccup_at_ms, "hiccup"),
        (intention.rendition_change_at_ms, "rendition"),
    )
    found += [(at, _ACTION, name) for at, name in actions if at is not None and at <= watch_ms]
    return sorted(found)


def _act(playback: Playback, name: str) -> None:
    if name == "share":
        playback.report("share", {"platform": playback.rng.choice(_SHARE_TARGETS)})
    elif name == "hiccup":
        playback.fail("SEGMENT_RETRY", "a segment had to be fetched again", fatal=False)
    elif name == "rendition":
        playback.change_rendition(playback.rng.choice((-1, 1)))
    else:
        playback.report(name)
