"""Brokers and settings for tests that need a real one."""

import os
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.settings import Address, Settings, load_settings

EnvironFor = Callable[..., dict[str, str]]
SettingsFor = Callable[..., Settings]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedded_broker(free_port: Callable[[], int]) -> AsyncIterator[str]:
    """The bootstrap servers of an embedded broker that the tests of one module share."""
    address = Address("127.0.0.1", free_port())
    broker = await start_embedded_broker(address)
    yield str(address)
    await stop_embedded_broker(broker)


@pytest.fixture
def environ_for(free_port: Callable[[], int]) -> EnvironFor:
    """Builds the environment of one stack: its own ports, and ``NAME=value`` for more settings.

    ``environ_for(PARTITIONS="3")`` sets ``PLAYVITALS_PARTITIONS``.
    """

    def build(**values: str) -> dict[str, str]:
        names = ("API_ADDRESS", "METRICS_ADDRESS", "EMBEDDED_KAFKA_ADDRESS")
        addresses = {name: f"127.0.0.1:{free_port()}" for name in names}
        return {
            **os.environ,
            **{f"PLAYVITALS_{name}": value for name, value in (addresses | values).items()},
        }

    return build


@pytest.fixture
def settings_for(environ_for: EnvironFor) -> SettingsFor:
    """Builds settings with ports of their own: ``settings_for(KAFKA=embedded_broker)``."""

    def build(**values: str) -> Settings:
        return load_settings(environ_for(**values))

    return build
