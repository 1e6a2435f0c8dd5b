"""Who watches: devices, networks and delivery, drawn once per session."""

from dataclasses import dataclass
from random import Random
from typing import TypeVar

T = TypeVar("T")

LADDER = ("360p", "540p", "720p", "1080p")
"""Renditions from the lowest to the highest."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network type and how startup times are spread on it (log-normal)."""

    name: str
    startup_median_ms: float
    startup_spread: float
    rendition: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """One person in one session."""

    session_id: str
    device_id: str
    user_id: str | None
    platform: str
    app_version: str
    country: str
    cdn: str
    codec: str
    network: Network

    def context(self) -> dict[str, str]:
        """The envelope fields that every event of the session carries."""
        fields = {
            "sessionId": self.session_id,
            "deviceId": self.device_id,
            "platform": self.platform,
            "appVersion": self.app_version,
            "country": self.country,
            "networkType": self.network.name,
            "cdn": self.cdn,
        }
        if self.user_id is not None:
            fields["userId"] = self.user_id
        return fields


_NETWORKS = (
    (Network("wifi", 290.0, 0.45, "1080p"), 55),
    (Network("5g", 330.0, 0.5, "1080p"), 20),
    (Network("4g", 500.0, 0.5, "720p"), 20),
    (Network("3g", 1000.0, 0.45, "360p"), 5),
)
_PLATFORMS = (("android", 52), ("ios", 38), ("web", 10))
_APP_VERSIONS = (("4.2.0", 60), ("4.1.3", 30), ("4.0.9", 10))
_COUNTRIES = (
    ("US", 25),
    ("IN", 20),
    ("BR", 14),
    ("ID", 12),
    ("DE", 9),
    ("GB", 8),
    ("FR", 7),
    ("JP", 5),
)
_CDNS = (("cdn-a", 40), ("cdn-b", 35), ("cdn-c", 25))
_CODECS = {
    "android": (("h264", 45), ("vp9", 35), ("av1", 20)),
    "ios": (("hevc", 70), ("h264", 30)),
    "web": (("vp9", 60), ("h264", 40)),
}
_SIGNED_IN = 0.6


def draw_viewer(rng: Random, ids: Random) -> Viewer:
    """A new viewer. ``rng`` decides on everything but the identifiers, which come from ``ids``."""
    platform = _weighted(rng, _PLATFORMS)
    return Viewer(
        session_id=f"s-{ids.getrandbits(64):016x}",
        device_id=f"d-{ids.getrandbits(48):012x}",
        user_id=f"u-{ids.getrandbits(40):010x}" if rng.random() < _SIGNED_IN else None,
        platform=platform,
        app_version=_weighted(rng, _APP_VERSIONS),
        country=_weighted(rng, _COUNTRIES),
        cdn=_weighted(rng, _CDNS),
        codec=_weighted(rng, _CODECS[platform]),
        network=_weighted(rng, _NETWORKS),
    )


def _weighted(rng: Random, choices: tuple[tuple[T, int], ...]) -> T:
    values = [value for value, _ in choices]
    return rng.choices(values, weights=[weight for _, weight in choices])[0]
