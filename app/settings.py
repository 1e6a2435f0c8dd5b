"""Every setting of playvitals, read once from the environment into one frozen object."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from app import setting_values as values
from app.setting_values import Address, Window
from models.dimensions import DIMENSIONS
from models.errors import SettingsError

__all__ = ["DEMO_KEYS", "PREFIX", "Address", "Settings", "Window", "load_settings"]

PREFIX = "PLAYVITALS_"
DEMO_KEYS = ("pk_test_demo", "sk_test_demo")

T = TypeVar("T")

_SHOWN = 200
"""Characters of an unusable value that its error shows."""
_ENVIRONMENTS = ("live", "test")


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
    catalogue_topic: str | None
    catalogue_contents: int
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
    kafka = reader.get("KAFKA", None, values.bootstrap_servers)
    return Settings(
        kafka=kafka,
        embedded_kafka_address=reader.get(
            "EMBEDDED_KAFKA_ADDRESS", Address("127.0.0.1", 19092), values.address
        ),
        topic_prefix=reader.get("TOPIC_PREFIX", "playvitals.", values.topic_prefix),
        partitions=reader.get("PARTITIONS", 12, values.integer(1, 1000)),
        api_address=reader.get("API_ADDRESS", Address("127.0.0.1", 8080), values.address),
        metrics_address=reader.get("METRICS_ADDRESS", Address("127.0.0.1", 6066), values.address),
        environment=reader.get(
            "ENVIRONMENT", "live" if kafka else "test", values.choice(_ENVIRONMENTS)
        ),
        api_keys=reader.get("API_KEYS", () if kafka else DEMO_KEYS, values.api_keys),
        cors_origins=reader.get("CORS_ORIGINS", (), values.origins),
        max_body_bytes=reader.get("MAX_BODY_BYTES", 1 << 20, values.integer(1024, 1 << 26)),
        max_batch_events=reader.get("MAX_BATCH_EVENTS", 100, values.integer(1, 10_000)),
        rate_limit_per_minute=reader.get(
            "RATE_LIMIT_PER_MINUTE", 1_000_000, values.integer(1, 1_000_000_000)
        ),
        broker_timeout_seconds=reader.get("BROKER_TIMEOUT_SECONDS", 4.0, values.seconds(0.1, 60.0)),
        catalogue_topic=reader.get("CATALOGUE_TOPIC", None, values.topic),
        catalogue_contents=reader.get(
            "CATALOGUE_CONTENTS", 2_000_000, values.integer(1, 100_000_000)
        ),
        live_streams=reader.get("LIVE_STREAMS", 100, values.integer(0, 10_000)),
        windows=reader.get("WINDOWS", values.windows("1m,5m,15m,1h"), values.windows),
        dimensions=reader.get("DIMENSIONS", DIMENSIONS, values.dimensions),
        dedupe_hours=reader.get("DEDUPE_HOURS", 24, values.integer(1, 168)),
        view_timeout_seconds=reader.get("VIEW_TIMEOUT_SECONDS", 900, values.integer(10, 86_400)),
        straggler_seconds=reader.get("STRAGGLER_SECONDS", 30, values.integer(0, 600)),
        open_views=reader.get("OPEN_VIEWS", 200_000, values.integer(1, 100_000_000)),
        views_per_viewer=reader.get("VIEWS_PER_VIEWER", 1_000, values.integer(10, 1_000_000)),
        grace_seconds=reader.get("GRACE_SECONDS", 60, values.integer(0, 86_400)),
        tick_seconds=reader.get("TICK_SECONDS", 5, values.integer(1, 3_600)),
        fold_records=reader.get("FOLD_RECORDS", 1000, values.integer(1, 10_000)),
        checkpoint_seconds=reader.get("CHECKPOINT_SECONDS", 10, values.integer(1, 3_600)),
        stall_seconds=reader.get("STALL_SECONDS", 60, values.integer(10, 3_600)),
        session_timeout_seconds=reader.get(
            "SESSION_TIMEOUT_SECONDS", 30 if kafka else 4, values.integer(3, 300)
        ),
        rebalance_timeout_seconds=reader.get(
            "REBALANCE_TIMEOUT_SECONDS", 60 if kafka else 4, values.integer(3, 600)
        ),
        log_level=reader.get(
            "LOG_LEVEL", "warning", values.choice(("debug", "info", "warning", "error"))
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
            shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
            raise SettingsError(f"{variable}={shown!r}: {error}") from None

    def unknown_variables(self) -> tuple[str, ...]:
        # PLAYVITALS_TEST_… belong to the test suite and to nothing that runs in production.
        return tuple(
            sorted(
                name
                for name in self._env.keys() - self._known
                if not name.startswith("PLAYVITALS_TEST_")
            )
        )
