"""What goes wrong: stalls in quiet times, and the spike that the demo injects."""

from dataclasses import dataclass

QUIET_STALLS_PER_SECOND = 0.0012
QUIET_STALL_MEDIAN_MS = 450.0


@dataclass(frozen=True, slots=True)
class RebufferSpike:
    """For a while, playback that one CDN serves stalls often and long.

    ``start_ms`` and ``end_ms`` count from the start of the model. With the defaults about
    half of the views that play through ``cdn-b`` (35 % of the sessions) during the spike stall,
    for about 2 s each time, and some viewers give up.
    """

    cdn: str = "cdn-b"
    start_ms: int = 8_000
    end_ms: int = 68_000
    stalls_per_second: float = 0.15
    stall_median_ms: float = 1_800.0

    def hits(self, cdn: str, at_ms: int) -> bool:
        """Whether playback through ``cdn`` suffers at that moment."""
        return cdn == self.cdn and self.start_ms <= at_ms < self.end_ms


def stall_risk(spike: RebufferSpike | None, cdn: str, at_ms: int) -> tuple[float, float]:
    """Stalls per second of playing, and the median length of one in ms."""
    if spike is not None and spike.hits(cdn, at_ms):
        return spike.stalls_per_second, spike.stall_median_ms
    return QUIET_STALLS_PER_SECOND, QUIET_STALL_MEDIAN_MS
