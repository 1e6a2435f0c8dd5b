"""A real Apache Kafka for tests: one broker in KRaft mode, from its own artifacts."""

import base64
import hashlib
import os
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from app.child_process import ChildProcess
from app.kafka_admin import kafka_admin
from app.settings import load_settings
from models.errors import OperatorError
from tests.support.deployment import until

POM = Path(__file__).parents[1] / "kafka" / "pom.xml"
TOOLS = ("java", "mvn")
STOP_SECONDS = 10.0


def missing_tools() -> list[str]:
    """What this machine lacks to run Kafka."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def kafka_jars() -> Path:
    """The folder with Kafka's jars, fetched by Maven once per version of the pom."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    jars = cache / "playvitals-tests" / f"kafka-{version}"
    if not jars.is_dir():
        partial = jars.with_name(f"{jars.name}.{os.getpid()}")
        subprocess.run(  # noqa: S603 - our own pom
            [
                str(shutil.which("mvn")),
                "--quiet",
                "--batch-mode",
                *("--file", str(POM)),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={partial}",
            ],
            check=True,
        )
        partial.rename(jars)
    return jars


@asynccontextmanager
async def apache_kafka(folder: Path, free_port: Callable[[], int]) -> AsyncIterator[str]:
    """Run a broker with its data in ``folder``; its bootstrap servers once it answers."""
    broker, controller = free_port(), free_port()
    servers = f"127.0.0.1:{broker}"
    properties = folder / "server.properties"
    properties.write_text(
        "process.roles=broker,controller\n"
        "node.id=1\n"
        f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
        f"listeners=PLAINTEXT://{servers},CONTROLLER://127.0.0.1:{controller}\n"
        f"advertised.listeners=PLAINTEXT://{servers}\n"
        "controller.listener.names=CONTROLLER\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
        f"log.dirs={folder / 'data'}\n"
        "offsets.topic.replication.factor=1\n"
        "group.initial.rebalance.delay.ms=0\n"
        "group.min.session.timeout.ms=1000\n"
        "auto.create.topics.enable=false\n"
    )
    java = [
        str(shutil.which("java")),
        "-Xmx512m",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
        *("-cp", f"{kafka_jars()}/*"),
    ]
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    subprocess.run(  # noqa: S603, ASYNC221 - our own command, before anything else runs
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)],
        check=True,
        capture_output=True,
    )
    process = await ChildProcess.start("kafka", [*java, "kafka.Kafka", str(properties)])
    settings = load_settings({"PLAYVITALS_KAFKA": servers})

    async def answers() -> bool:
        assert process.running, process.last_line
        try:
            async with kafka_admin(settings) as admin:
                await admin.list_topics()
                return True
        except OperatorError:
            return False

    try:
        await until(answers, "Kafka answers")
        yield servers
    finally:
        await process.stop(STOP_SECONDS)
