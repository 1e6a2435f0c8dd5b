"""Every setting of playvitals, read once from the environment into one frozen object."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from models.dimensions import DIMENSIONS
from models.errors import SettingsError

PREFIX = "PLAYVITALS_"
DEMO_KEYS = ("pk_test_demo", "sk_test_demo")

T = TypeVar("T")

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smh])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_ENVIRONMENTS = ("live", "test")
_TOPIC_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,100}")


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


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one process. ``docs/configuration.md`` documents each field."""

    kafka: str | None
    embedded_kafka_address: Address
    topic_prefix: str
    partitions: int
    api_address: Address
    metrics_address: Address
    environment: str
    api_keys: tuple[str, ...] = field(repr=False)
    cors_origins: tuple[str, ...]
    max_body_bytes: int
    max_batch_events: int
    rate_limit_per_minute: int
    broker_timeout_seconds: float
    live_streams: int
    windows: tuple[Window, ...]
    dimensions: tuple[str, ...]
    dedupe_hours: int
    view_timeout_seconds: int
    straggler_seconds: int
    open_views: int
    views_per_viewer: int
    grace_seconds: int
    tick_seconds: int
    fold_records: int
    checkpoint_seconds: int
    stall_seconds: int
    session_timeout_seconds: int
    rebalance_timeout_seconds: int
    log_level: str
    unknown_variables: tuple[str, ...]
    """Variables with our prefix that are no setting: most likely a misspelt name."""

    @property
    def bootstrap_servers(self) -> str:
        """The brokers to connect to, the embedded one where no other is named."""
        return self.kafka or str(self.embedded_kafka_address)

    @property
    def embedded(self) -> bool:
        """Whether the broker is the embedded one."""
        return self.kafka is None

    def topic(self, name: str) -> str:
        """The full name of a topic: ``topic("events.raw")``."""
        return self.topic_prefix + name


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (the process environment by default).

    Raises:
        SettingsError: a variable has an unusable value.
    """
    env = os.environ if environ is None else environ
    reader = _Reader({k: v for k, v in env.items() if k.startswith(PREFIX)})
    kafka = reader.get("KAFKA", None, _text)
    return Settings(
        kafka=kafka,
        embedded_kafka_address=reader.get(
            "EMBEDDED_KAFKA_ADDRESS", Address("127.0.0.1", 19092), _address
        ),
        topic_prefix=reader.get("TOPIC_PREFIX", "playvitals.", _topic_prefix),
        partitions=reader.get("PARTITIONS", 12, _integer(1, 1000)),
        api_address=reader.get("API_ADDRESS", Address("127.0.0.1", 8080), _address),
        metrics_address=reader.get("METRICS_ADDRESS", Address("127.0.0.1", 6066), _address),
        environment=reader.get("ENVIRONMENT", "live" if kafka else "test", _choice(_ENVIRONMENTS)),
        api_keys=reader.get("API_KEYS", () if kafka else DEMO_KEYS, _api_keys),
        cors_origins=reader.get("CORS_ORIGINS", (), _comma_separated),
        max_body_bytes=reader.get("MAX_BODY_BYTES", 1 << 20, _integer(1024, 1 << 26)),
        max_batch_events=reader.get("MAX_BATCH_EVENTS", 100, _integer(1, 10_000)),
        rate_limit_per_minute=reader.get(
            "RATE_LIMIT_PER_MINUTE", 1_000_000, _integer(1, 1_000_000_000)
        ),
        broker_timeout_seconds=reader.get("BROKER_TIMEOUT_SECONDS", 4.0, _seconds(0.1, 60.0)),
        live_streams=reader.get("LIVE_STREAMS", 100, _integer(0, 10_000)),
        windows=reader.get("WINDOWS", _windows("1m,5m,15m,1h"), _windows),
        dimensions=reader.get("DIMENSIONS", DIMENSIONS, _dimensions),
        dedupe_hours=reader.get("DEDUPE_HOURS", 24, _integer(1, 168)),
        view_timeout_seconds=reader.get("VIEW_TIMEOUT_SECONDS", 900, _integer(10, 86_400)),
        straggler_seconds=reader.get("STRAGGLER_SECONDS", 30, _integer(0, 600)),
        open_views=reader.get("OPEN_VIEWS", 500_000, _integer(1, 100_000_000)),
        views_per_viewer=reader.get("VIEWS_PER_VIEWER", 1_000, _integer(10, 1_000_000)),
        grace_seconds=reader.get("GRACE_SECONDS", 60, _integer(0, 86_400)),
        tick_seconds=reader.get("TICK_SECONDS", 5, _integer(1, 3_600)),
        fold_records=reader.get("FOLD_RECORDS", 1000, _integer(1, 10_000)),
        checkpoint_seconds=reader.get("CHECKPOINT_SECONDS", 10, _integer(1, 3_600)),
        stall_seconds=reader.get("STALL_SECONDS", 60, _integer(10, 3_600)),
        session_timeout_seconds=reader.get(
            "SESSION_TIMEOUT_SECONDS", 30 if kafka else 4, _integer(3, 300)
        ),
        rebalance_timeout_seconds=reader.get(
            "REBALANCE_TIMEOUT_SECONDS", 60 if kafka else 4, _integer(3, 600)
        ),
        log_level=reader.get(
            "LOG_LEVEL", "warning", _choice(("debug", "info", "warning", "error"))
        ),
        unknown_variables=reader.unknown_variables(),
    )


class _Reader:
    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._known: set[str] = set()

    def get(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        variable = PREFIX + name
        self._known.add(variable)
        text = self._env.get(variable, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{variable}={text!r}: {error}") from None

    def unknown_variables(self) -> tuple[str, ...]:
        # PLAYVITALS_TEST_… belong to the test suite and to nothing that runs in production.
        return tuple(
            sorted(
                name
                for name in self._env.keys() - self._known
                if not name.startswith("PLAYVITALS_TEST_")
            )
        )


def _text(text: str) -> str:
    return text


def _topic_prefix(text: str) -> str:
    if not _TOPIC_PREFIX.fullmatch(text):
        raise ValueError("expected letters, digits, '.', '_' and '-', at most 100 of them")
    return text


def _address(text: str) -> Address:
    host, colon, port_text = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port_text.isdecimal() or not 0 < int(port_text) < 65536:
        raise ValueError("expected HOST:PORT, for example 127.0.0.1:8080")
    return Address(host, int(port_text))


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"expected an integer from {low} to {high}")
        return int(text)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not low <= seconds <= high:
            raise ValueError(f"expected seconds from {low} to {high}")
        return seconds

    return parse


def _choice(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text.lower()

    return parse


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _api_keys(text: str) -> tuple[str, ...]:
    keys = _comma_separated(text)
    for key in keys:
        if not re.fullmatch(r"(pk|sk)_(live|test)_[A-Za-z0-9_-]{1,128}", key):
            # The key itself stays out of the message: it is a secret.
            raise SettingsError(
                "PLAYVITALS_API_KEYS: expected keys of the form pk_live_…, sk_live_…, "
                "pk_test_… or sk_test_…, separated by commas"
            )
    return keys


def _windows(text: str) -> tuple[Window, ...]:
    windows = []
    for label in _comma_separated(text):
        match = _DURATION.fullmatch(label)
        if not match:
            raise ValueError("expected windows like 1m,5m,1h")
        seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
        if seconds % 10 or seconds > 86_400:
            raise ValueError(f"{label}: expected a multiple of 10 s, at most 24h")
        windows.append(Window(label, seconds))
    if not windows or len({w.seconds for w in windows}) != len(windows) or len(windows) > 8:
        raise ValueError("expected 1 to 8 windows of different lengths")
    return tuple(sorted(windows, key=lambda window: window.seconds))


def _dimensions(text: str) -> tuple[str, ...]:
    names = _comma_separated(text)
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown or len(set(names)) != len(names):
        raise ValueError(f"expected distinct names out of {', '.join(DIMENSIONS)}")
    return names
