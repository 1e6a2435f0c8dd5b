"""A real Apache Kafka of one or more nodes, from its own artifacts, that can lose a node."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError

from app.kafka_admin import cluster_views, kafka_admin
from app.settings import load_settings
from models.errors import OperatorError
from tests.support.kafka_node import KafkaNode, NodeAddress, kafka_jars, new_cluster_id
from tests.support.waiting import until


class KafkaCluster:
    """The nodes of a cluster, numbered from 1 by their brokers' ids."""

    def __init__(self, nodes: list[KafkaNode]) -> None:
        self.nodes = nodes

    @property
    def bootstrap_servers(self) -> str:
        """All brokers, comma-separated, whether they are running or not."""
        return ",".join(node.address.server for node in self.nodes)

    def node(self, number: int) -> KafkaNode:
        """The node with this id."""
        return self.nodes[number - 1]

    async def leaders(self, topic: str) -> list[int]:
        """The id of the broker that leads each partition; -1 where none does."""
        return [partition["leader"] for partition in await self._partitions([topic])]

    async def is_whole(self) -> bool:
        """Whether every broker sees all others and all replicas of all partitions are in sync."""
        try:
            views = await cluster_views(self._settings)
            partitions = await self._partitions(None)
        except (OperatorError, KafkaError):
            return False
        numbers = {node.address.number for node in self.nodes}
        return [view.brokers for view in views] == [numbers] * len(numbers) and all(
            set(partition["isr"]) == set(partition["replicas"]) for partition in partitions
        )

    async def leads_nothing(self, number: int) -> bool:
        """Whether every partition is led by a broker other than ``number``."""
        try:
            partitions = await self._partitions(None)
        except OperatorError:
            return False
        return all(partition["leader"] not in (-1, number) for partition in partitions)

    async def is_answering(self) -> bool:
        """Whether a client sees all brokers. A node that ended is an error."""
        for node in self.nodes:
            assert node.running, f"node {node.address.number} ended: {node.last_line}"
        return await self.is_whole()

    async def _partitions(self, topics: list[str] | None) -> list[dict[str, Any]]:
        async with kafka_admin(self._settings) as admin:
            described = await admin.describe_topics(topics)
        return [
            partition
            for topic in sorted(described, key=lambda topic: str(topic["topic"]))
            for partition in sorted(topic["partitions"], key=lambda p: int(p["partition"]))
        ]

    @property
    def _settings(self) -> Any:
        return load_settings({"PLAYVITALS_KAFKA": self.bootstrap_servers})


@asynccontextmanager
async def kafka_cluster(
    folder: Path, free_port: Callable[[], int], brokers: int = 1
) -> AsyncIterator[KafkaCluster]:
    """Run a cluster with its data and logs in ``folder``; entered once all brokers answer.

    When it is left, however that is, every process is gone.
    """
    kafka_jars()
    addresses = [
        NodeAddress(number, free_port(), free_port(), folder / f"kafka-{number}")
        for number in range(1, brokers + 1)
    ]
    cluster = KafkaCluster([KafkaNode(address, addresses) for address in addresses])
    cluster_id = new_cluster_id()
    try:
        await asyncio.gather(*(node.format(cluster_id) for node in cluster.nodes))
        for node in cluster.nodes:
            await node.start()
        await until(cluster.is_answering, "every broker answers")
        yield cluster
    finally:
        # All data goes with the cluster, so nobody has to hand over anything.
        await asyncio.gather(*(node.kill() for node in cluster.nodes if node.running))
