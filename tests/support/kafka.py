"""Which real Kafka the tests use: a given one, one in Docker, or one from its own artifacts."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from tests.support.kafka_cluster import kafka_cluster

GIVEN = "PLAYVITALS_TEST_KAFKA"
IMAGE = "confluentinc/cp-kafka:8.0.0"
"""Apache Kafka 4.0, with the scripts that the container class of testcontainers needs."""
DOCKER_SECONDS = 10.0


class KafkaSource(Enum):
    """Where a Kafka for the tests comes from; the first that is possible wins."""

    GIVEN = "given"
    DOCKER = "docker"
    ARTIFACTS = "artifacts"
    NONE = "none"


def choose_kafka(
    environ: Mapping[str, str], docker_answers: Callable[[], bool], missing: list[str]
) -> KafkaSource:
    """The source to use; Docker is asked only where no Kafka is given.

    Args:
        missing: the tools that the machine lacks to run Kafka from its artifacts.
    """
    if environ.get(GIVEN):
        return KafkaSource.GIVEN
    if docker_answers():
        return KafkaSource.DOCKER
    return KafkaSource.NONE if missing else KafkaSource.ARTIFACTS


def docker_answers() -> bool:
    """Whether a Docker engine can be used."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        # Without an engine the client still tells its own version, and fails.
        asked = subprocess.run(  # noqa: S603 - the program found above
            [docker, "version"], capture_output=True, timeout=DOCKER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


@asynccontextmanager
async def running_kafka(
    source: KafkaSource, environ: Mapping[str, str], folder: Path, free_port: Callable[[], int]
) -> AsyncIterator[str]:
    """Run one broker from ``source``; its bootstrap servers once it answers."""
    if source is KafkaSource.GIVEN:
        yield environ[GIVEN]
    elif source is KafkaSource.DOCKER:
        container = kafka_container()
        await asyncio.to_thread(container.start)
        try:
            yield container.get_bootstrap_server()
        finally:
            await asyncio.to_thread(container.stop)
    else:
        async with kafka_cluster(folder, free_port) as cluster:
            yield cluster.bootstrap_servers


def kafka_container() -> Any:
    """One broker in a container, not started. A Docker engine has to answer."""
    from testcontainers.community.kafka import KafkaContainer

    container = KafkaContainer(IMAGE).with_kraft()
    container.with_env("KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS", "1000")
    container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    return container
