"""The broker of the compose file without Docker: the image's own program reads its variables."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from app.child_process import ChildProcess
from tests.support.compose import environ, on_loopback, services
from tests.support.kafka_node import STOP_SECONDS, kafka_jars

SETUP = "kafka.docker.KafkaDockerWrapper"
"""What the image of Apache Kafka makes its configuration with and formats its data by."""
DEFAULTS = ("server.properties", "log4j2.yaml", "tools-log4j2.yaml")


@asynccontextmanager
async def compose_kafka(
    folder: Path, free_port: Callable[[], int]
) -> AsyncIterator[dict[str, int]]:
    """Run the broker as the compose file configures it; yields the port for each of its own.

    Only hosts, ports and the folder of the data are others. The broker need not answer yet.
    """
    service = services()["kafka"]
    ports = {port: free_port() for port in ("9092", "9093", "9094")}
    values = {name: on_loopback(value, ports) for name, value in environ(service).items()}
    values["KAFKA_LOG_DIRS"] = str(folder / "data")
    config = await _configuration(folder, values)
    with (folder / "kafka.log").open("w") as log:
        heap = values["KAFKA_HEAP_OPTS"].split()
        command = (*_java(), *heap, *_classes(), "kafka.Kafka", str(config))
        process = await ChildProcess.start("kafka", command, values | _path(), log)
        try:
            yield ports
        finally:
            await process.stop(STOP_SECONDS)


async def _configuration(folder: Path, values: Mapping[str, str]) -> Path:
    """What the image's start does before the broker: write its configuration, format its data."""
    defaults, mounted, final = (folder / name for name in ("defaults", "mounted", "final"))
    for made in (defaults, mounted, final, folder / "data"):
        made.mkdir()
    for name in DEFAULTS:
        (defaults / name).touch()
    process = await asyncio.create_subprocess_exec(
        *(*_java(), *_classes(), SETUP, "setup"),
        *("--default-configs-dir", str(defaults)),
        *("--mounted-configs-dir", str(mounted)),
        *("--final-configs-dir", str(final)),
        env={**values, **_path()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    print(output.decode().splitlines()[0], file=sys.stderr)
    return final / "server.properties"


def _path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def _java() -> tuple[str, ...]:
    return (str(shutil.which("java")), "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


def _classes() -> tuple[str, ...]:
    return ("-cp", f"{kafka_jars()}/*")
