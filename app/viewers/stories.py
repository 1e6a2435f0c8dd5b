"""The incidents that the demo plays, and what it tells about them while it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.viewers.incidents import FOR_EVER_MS, Conditions, Effect, Incident, Rollout, Span

NEW_VERSION = "4.3.0"
"""The app version that only the bad release brings."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happens from ``start_ms`` on, and where to see it."""

    start_ms: int
    happening: str
    look: str


@dataclass(frozen=True, slots=True)
class Story:
    """An incident as it is told.

    ``chapters`` are in order of time; ``alerts`` are the names of those to expect.
    """

    incident: Incident
    chapters: Sequence[Chapter]
    alerts: Sequence[str]

    def chapter(self, at_ms: int) -> Chapter | None:
        """The chapter of that moment; None before the first."""
        return next((c for c in reversed(self.chapters) if c.start_ms <= at_ms), None)


@dataclass(frozen=True, slots=True)
class Plot:
    """A story that can be put anywhere: when it begins and how long it lasts if nobody says."""

    after_seconds: float
    lasting_seconds: float
    tell: Callable[[int, int], Story]

    def story(self, after_seconds: float | None, lasting_seconds: float | None) -> Story:
        """The story at the times given, or at its own."""
        after = self.after_seconds if after_seconds is None else after_seconds
        lasting = self.lasting_seconds if lasting_seconds is None else lasting_seconds
        start_ms = round(after * 1000)
        return self.tell(start_ms, start_ms + round(lasting * 1000))


def rebuffer_spike(start_ms: int, end_ms: int) -> Story:
    """Playback through ``cdn-b`` (35 % of the sessions) stalls often and long.

    About half of its views stall, for about 2 s each time, and some viewers give up.
    """
    span = Span(start_ms, end_ms)
    worst = Conditions(stalls_per_second=0.15, stall_median_ms=1_800.0)
    return Story(
        Incident(
            "rebuffer spike on cdn-b",
            "cdn",
            "cdn-b",
            start_ms,
            end_ms,
            [Effect("cdn", "cdn-b", span, worst)],
        ),
        [
            Chapter(
                start_ms,
                "playback through cdn-b stalls often and long",
                "rebuffer ratio and rebuffered views of cdn-b; the other CDNs stay quiet",
            ),
            Chapter(
                end_ms,
                "cdn-b is well again",
                "the ratios fall as the stalls leave the window",
            ),
        ],
        ["RebufferSpike", "SliceRebuffering"],
    )


def cdn_outage(start_ms: int, end_ms: int) -> Story:
    """The edge of ``cdn-c`` (25 % of the sessions) fails within 15 s and recovers over 30 s.

    At its worst 30 % of the starts fail and the others take six times as long; what plays stalls
    every four seconds or so, for about 3.5 s; most of those who suffer go, and stay away for a
    while.
    """
    worst = Conditions(
        stalls_per_second=0.25,
        stall_median_ms=3_000.0,
        startup_factor=6.0,
        start_failure_chance=0.30,
        playback_failure_chance=0.06,
        leave_chance=0.5,
    )
    fall_ms = min(30_000, (end_ms - start_ms) // 3)
    span = Span(start_ms, end_ms, rise_ms=min(15_000, fall_ms), fall_ms=fall_ms)
    return Story(
        Incident(
            "outage of cdn-c",
            "cdn",
            "cdn-c",
            start_ms,
            end_ms,
            [Effect("cdn", "cdn-c", span, worst)],
        ),
        [
            Chapter(
                start_ms,
                "the edge of cdn-c fails: starts fail or drag on, playback stalls, viewers leave",
                "start failures, startup p95 and rebuffer ratio of cdn-c; active viewers fall",
            ),
            Chapter(
                end_ms - fall_ms,
                "cdn-c recovers",
                "startup and stalls of cdn-c come down; the viewers who left come back",
            ),
            Chapter(
                end_ms,
                "cdn-c is well again",
                "the figures of the longer windows follow as the outage leaves them",
            ),
        ],
        ["RebufferSpike", "SliceRebuffering", "SliceStartupSlow", "SliceOutage", "SliceFailures"],
    )


def bad_release(start_ms: int, end_ms: int) -> Story:
    """App version 4.3.0 rolls out to 60 % of the new sessions, and is rolled back at the end.

    It reaches them in a straight line over the first 40 % of the time. Its views start four times
    as slowly, 8 % of the starts fail, and 12 % of what plays ends with a fatal error. Sessions
    that began with it keep it, so it fades out in the minutes after the rollback.
    """
    rise_ms = (end_ms - start_ms) * 2 // 5
    worst = Conditions(
        startup_factor=4.0,
        start_failure_chance=0.08,
        playback_failure_chance=0.12,
        leave_chance=0.2,
    )
    return Story(
        Incident(
            f"bad release {NEW_VERSION}",
            "appVersion",
            NEW_VERSION,
            start_ms,
            end_ms,
            [Effect("appVersion", NEW_VERSION, Span(0, FOR_EVER_MS), worst)],
            [Rollout(NEW_VERSION, 0.6, Span(start_ms, end_ms, rise_ms=rise_ms))],
        ),
        [
            Chapter(
                start_ms,
                f"app version {NEW_VERSION} rolls out; it starts slowly and fails",
                f"{NEW_VERSION} appears among the versions; startup p95 climbs with its share",
            ),
            Chapter(
                start_ms + rise_ms,
                f"{NEW_VERSION} has reached 60 % of the new sessions",
                f"start and playback failures of {NEW_VERSION}; the other versions stay quiet",
            ),
            Chapter(
                end_ms,
                f"{NEW_VERSION} is rolled back; sessions that have it go on with it",
                "the figures come down as those sessions end and leave the windows",
            ),
        ],
        ["SliceFailures", "SliceStartupSlow", "PlaybackFailures", "StartupSlow"],
    )


SPIKE = "spike"
NONE = "none"
PLOTS = {
    SPIKE: Plot(8.0, 60.0, rebuffer_spike),
    "cdn-outage": Plot(60.0, 300.0, cdn_outage),
    "bad-release": Plot(60.0, 600.0, bad_release),
}
"""The stories by the name that ``playvitals demo --incident`` takes."""


def story_named(
    name: str, after_seconds: float | None = None, lasting_seconds: float | None = None
) -> Story | None:
    """A story by name, at the times given or at its own; None for ``none``.

    Raises:
        KeyError: there is no such story.
    """
    return None if name == NONE else PLOTS[name].story(after_seconds, lasting_seconds)
