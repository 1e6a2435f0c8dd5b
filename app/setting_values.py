"""The values of settings: their types, and how each is read from the text of a variable.

A reader raises ``ValueError`` with what it expected.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from models.dimensions import DIMENSIONS
from models.errors import SettingsError

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smh])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_TOPIC_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,100}")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_PORT = re.compile(r"[0-9]{1,5}")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})")
_ONLY_NUMBERS = re.compile(r"[0-9.]+")
_API_KEY = re.compile(r"(pk|sk)_(live|test)_[A-Za-z0-9_-]{1,128}")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/:\[\]]+|\[[^/\[\]]+\])(:[0-9]{1,5})?")
_EVERY_ORIGIN = "*"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a browser on the same machine would type it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Window:
    """One rolling window: its label as users write it (``5m``) and its length."""

    label: str
    seconds: int


def topic_prefix(text: str) -> str:
    """What stands before every topic's name."""
    if not _TOPIC_PREFIX.fullmatch(text):
        raise ValueError("expected letters, digits, '.', '_' and '-', at most 100 of them")
    return text


def topic(text: str) -> str:
    """The full name of a topic."""
    if not _TOPIC.fullmatch(text) or text in (".", ".."):
        raise ValueError("expected a topic: letters, digits, '.', '_' and '-', at most 249 of them")
    return text


def address(text: str) -> Address:
    """``HOST:PORT``, an IPv6 address in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not _is_host(host) or not _is_port(port):
        raise ValueError("expected HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _is_host(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        return ":" in text and _is_ip_address(text[1:-1])
    if _ONLY_NUMBERS.fullmatch(text):
        return _is_ip_address(text)
    return _HOST_NAME.fullmatch(text) is not None


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return _PORT.fullmatch(text) is not None and 0 < int(text) < 65536


def bootstrap_servers(text: str) -> str:
    """Kafka brokers: addresses, separated by commas."""
    try:
        servers = [str(address(part.strip())) for part in text.split(",")]
    except ValueError:
        servers = []
    if not servers or len(set(servers)) != len(servers):
        raise ValueError(
            "expected distinct HOST:PORT, separated by commas, for example "
            "kafka-1:9092,kafka-2:9092"
        )
    return ",".join(servers)


def integer(low: int, high: int) -> Callable[[str], int]:
    """The reader of a whole number from ``low`` to ``high``."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise ValueError(f"expected an integer from {low} to {high}")
        return int(text)

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """The reader of a number of seconds from ``low`` to ``high``."""

    def read(text: str) -> float:
        if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
            raise ValueError(f"expected seconds from {low} to {high}")
        return float(text)

    return read


def choice(choices: tuple[str, ...]) -> Callable[[str], str]:
    """The reader of one of some words, in any case."""

    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text.lower()

    return read


def api_keys(text: str) -> tuple[str, ...]:
    """API keys; they are secrets, so what is wrong with one is said without it."""
    try:
        keys = _distinct(text)
    except ValueError:
        keys = ()
    if not keys or not all(map(_API_KEY.fullmatch, keys)):
        raise SettingsError(
            "PLAYVITALS_API_KEYS: expected distinct keys of the form pk_live_…, sk_live_…, "
            "pk_test_… or sk_test_…, separated by commas"
        )
    return keys


def origins(text: str) -> tuple[str, ...]:
    """Origins as browsers write them, or ``*`` for all."""
    if text == _EVERY_ORIGIN:
        return (_EVERY_ORIGIN,)
    found = _distinct(text.lower())
    if not all(map(_is_origin, found)):
        raise ValueError(
            "expected origins like https://app.example.com, without a path and separated by "
            "commas, or * alone"
        )
    return found


def _is_origin(text: str) -> bool:
    match = _ORIGIN.fullmatch(text)
    if match is None or not _is_host(match[1]):
        return False
    return match[2] is None or _is_port(match[2][1:])


def windows(text: str) -> tuple[Window, ...]:
    """Rolling windows, the shortest first."""
    found = []
    for label in _distinct(text):
        match = _DURATION.fullmatch(label)
        if not match:
            raise ValueError("expected windows like 1m,5m,1h")
        length = int(match[1]) * _UNIT_SECONDS[match[2]]
        if length % 10 or length > 86_400:
            raise ValueError(f"{label}: expected a multiple of 10 s, at most 24h")
        found.append(Window(label, length))
    if len({w.seconds for w in found}) != len(found) or len(found) > 8:
        raise ValueError("expected 1 to 8 windows of different lengths")
    return tuple(sorted(found, key=lambda window: window.seconds))


def dimensions(text: str) -> tuple[str, ...]:
    """What figures are broken down by; a comma alone stands for nothing at all."""
    if text == ",":
        return ()
    names = _distinct(text)
    if any(name not in DIMENSIONS for name in names):
        raise ValueError(f"expected distinct names out of {', '.join(DIMENSIONS)}")
    return names


def _distinct(text: str) -> tuple[str, ...]:
    """The parts between the commas."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts) or len(set(parts)) != len(parts):
        raise ValueError("expected distinct values between the commas, and none empty")
    return parts
