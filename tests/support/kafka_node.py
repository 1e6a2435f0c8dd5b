"""One Kafka node in KRaft mode, broker and controller in one: a process with its own data."""

import asyncio
import base64
import hashlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from app.child_process import ChildProcess

POM = Path(__file__).parents[1] / "kafka" / "pom.xml"
TOOLS = ("java", "mvn")
STOP_SECONDS = 30.0
# Three nodes share a machine with everything else: little heap, and threads for nothing that a
# test does not need.
JAVA_OPTIONS = ("-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def missing_tools() -> list[str]:
    """What this machine lacks to run Kafka from its artifacts."""
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


def new_cluster_id() -> str:
    """An id as Kafka makes them: one that begins with a dash would be taken for an option."""
    cluster_id = "-"
    while cluster_id.startswith("-"):
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return cluster_id


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """The id of a node, its ports on loopback, and the folder of its data and its log."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def server(self) -> str:
        """Where clients find the broker."""
        return f"127.0.0.1:{self.port}"

    @property
    def voter(self) -> str:
        """The controller, as the quorum lists it."""
        return f"{self.number}@127.0.0.1:{self.controller_port}"


class KafkaNode:
    """A node of a cluster, which can be killed, stopped, paused, and started again on its data."""

    def __init__(self, address: NodeAddress, cluster: Sequence[NodeAddress]) -> None:
        self.address = address
        self._properties = address.folder / "server.properties"
        self._log_path = address.folder / "kafka.log"
        self._log: TextIO | None = None
        self._process: ChildProcess | None = None
        address.folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(node_properties(address, cluster))

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.running

    @property
    def last_line(self) -> str:
        """The last thing that the node said."""
        return self._process.last_line if self._process is not None else ""

    async def format(self, cluster_id: str) -> None:
        """Prepare the folder for the data; once, before the first start."""
        command = (*_java(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}")
        process = await asyncio.create_subprocess_exec(
            *(*command, "-c", str(self._properties)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()

    async def start(self) -> None:
        """Start the process; it answers some seconds later."""
        assert not self.running
        self._log = self._log_path.open("a")
        command = (*_java(), "kafka.Kafka", str(self._properties))
        name = f"kafka-{self.address.number}"
        self._process = await ChildProcess.start(name, command, echo=self._log)

    async def stop(self) -> None:
        """End the process in order: it hands over what it leads first."""
        await self._end(STOP_SECONDS)

    async def kill(self) -> None:
        """End the process as a machine does that loses its power."""
        self._signal(signal.SIGKILL)
        await self._end(0.0)

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        assert self._process.running, self.last_line
        # The process alone: its tether has to stay awake to end it with the tests.
        os.kill(self._process.pid, number)

    async def _end(self, grace_seconds: float) -> None:
        if self._process is not None:
            await self._process.stop(grace_seconds)
        if self._log is not None:
            self._log.close()


def node_properties(address: NodeAddress, cluster: Sequence[NodeAddress]) -> str:
    """The configuration of one node of ``cluster``."""
    voters = ",".join(node.voter for node in cluster)
    controller = f"127.0.0.1:{address.controller_port}"
    replicas = min(3, len(cluster))
    return (
        "process.roles=broker,controller\n"
        f"node.id={address.number}\n"
        f"controller.quorum.voters={voters}\n"
        f"listeners=PLAINTEXT://{address.server},CONTROLLER://{controller}\n"
        f"advertised.listeners=PLAINTEXT://{address.server}\n"
        "controller.listener.names=CONTROLLER\n"
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
        f"log.dirs={address.folder / 'data'}\n"
        f"offsets.topic.replication.factor={replicas}\n"
        "offsets.topic.num.partitions=3\n"
        f"transaction.state.log.replication.factor={replicas}\n"
        f"transaction.state.log.min.isr={min(2, replicas)}\n"
        f"share.coordinator.state.topic.replication.factor={replicas}\n"
        f"share.coordinator.state.topic.min.isr={min(2, replicas)}\n"
        "group.initial.rebalance.delay.ms=0\n"
        "group.min.session.timeout.ms=1000\n"
        "broker.session.timeout.ms=5000\n"
        "broker.heartbeat.interval.ms=1000\n"
        "log.cleaner.dedupe.buffer.size=16777216\n"
        "auto.create.topics.enable=false\n"
    )


def _java() -> tuple[str, ...]:
    return (
        str(shutil.which("java")),
        *JAVA_OPTIONS,
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        *("-cp", f"{kafka_jars()}/*"),
    )
