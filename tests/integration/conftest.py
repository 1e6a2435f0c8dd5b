"""Brokers and settings for tests that need a real one."""

import os
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.live.feeds import LiveFeeds
from app.settings import Address, Settings, load_settings
from tests.contract.conftest import FakeSink
from tests.support.chromium import chromium, chromium_path
from tests.support.kafka import GIVEN, KafkaSource, choose_kafka, docker_answers, running_kafka
from tests.support.kafka_cluster import KafkaCluster, kafka_cluster
from tests.support.kafka_node import missing_tools
from tests.support.page_server import filled, page_server

EnvironFor = Callable[..., dict[str, str]]
SettingsFor = Callable[..., Settings]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedded_broker(free_port: Callable[[], int]) -> AsyncIterator[str]:
    """The bootstrap servers of an embedded broker that the tests of one module share."""
    address = Address("127.0.0.1", free_port())
    broker = await start_embedded_broker(address)
    yield str(address)
    await stop_embedded_broker(broker)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apache_kafka(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The bootstrap servers of a real Kafka: a given one, one in Docker, or one of our own."""
    missing = missing_tools()
    source = choose_kafka(os.environ, docker_answers, missing)
    if source is KafkaSource.NONE:
        pytest.skip(f"a real Kafka needs Docker, or {' and '.join(missing)}, or {GIVEN}")
    folder = tmp_path_factory.mktemp("kafka")
    async with running_kafka(source, os.environ, folder, free_port) as servers:
        yield servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three_brokers(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[KafkaCluster]:
    """A cluster whose brokers can be killed, so always one of our own."""
    if missing := missing_tools():
        pytest.skip(f"a cluster that loses brokers needs {' and '.join(missing)}")
    async with kafka_cluster(tmp_path_factory.mktemp("cluster"), free_port, brokers=3) as cluster:
        yield cluster


@pytest.fixture(scope="module", params=["embedded", "apache"])
def broker(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings that lead to a broker, once for the embedded one and once for Apache Kafka."""
    if request.param == "embedded":
        return {"EMBEDDED_KAFKA_ADDRESS": request.getfixturevalue("embedded_broker")}
    return {"KAFKA": request.getfixturevalue("apache_kafka")}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser that the tests of the module share."""
    path = chromium_path()
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    async with chromium(path) as found:
        yield found


@pytest.fixture
def page_settings(free_port: Callable[[], int]) -> Settings:
    """The settings of an API whose live page a test looks at, without a broker."""
    return load_settings({"PLAYVITALS_API_ADDRESS": f"127.0.0.1:{free_port()}"})


@pytest_asyncio.fixture(loop_scope="module")
async def feeds(page_settings: Settings) -> AsyncIterator[LiveFeeds]:
    """The feeds of such an API, which is being served; a test adds to them."""
    found = filled(page_settings)
    async with page_server(page_settings, FakeSink(), found):
        yield found


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
