"""A deployment of one partition on a real Kafka that has counted some events and was stopped."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaClient
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.admin import DeleteGroupsRequest

from app.kafka_admin import kafka_admin
from app.kafka_writer import KafkaWriter
from app.stream_app import GROUP
from app.topics import ensure_topics
from tests.support.deployment import COMMAND, Deployment, Samples
from tests.support.waiting import until

EVENTS = 30
PLAYS = ("playvitals_rolling_plays", "all", "", "1m")


def events(first: int, number: int = EVENTS) -> list[bytes]:
    """That many first frames, with ids and sessions of their own from ``first`` on."""
    return [
        json.dumps(
            {
                "event": "playStart",
                "contentId": "a",
                "eventId": f"e{n}",
                "sessionId": f"s{n}",
                "data": {"startupTime": 300},
            }
        ).encode()
        for n in range(first, first + number)
    ]


async def write(deployment: Deployment, values: Sequence[bytes]) -> None:
    """Write records to the raw topic and wait until they are acknowledged."""
    writer = KafkaWriter(
        deployment.settings.bootstrap_servers,
        client_id="test",
        linger_seconds=0.0,
        timeout_seconds=20.0,
    )
    await writer.start()
    for value in values:
        writer.append(deployment.settings.topic("events.raw"), 0, b"k", value)
    await writer.flush()
    await writer.stop()


@asynccontextmanager
async def admin_of(deployment: Deployment) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client of the deployment's Kafka."""
    async with kafka_admin(deployment.settings) as admin:
        yield admin


async def delete(deployment: Deployment, name: str) -> None:
    """Delete a topic and wait until it is gone."""
    topic = deployment.settings.topic(name)
    async with admin_of(deployment) as admin:
        await admin.delete_topics([topic])

        async def is_gone() -> bool:
            return topic not in await admin.list_topics()

        await until(is_gone, f"{topic} is gone")


async def delete_group(deployment: Deployment) -> None:
    """Delete the workers' consumer group, and with it its offsets; no worker may run."""
    group = deployment.settings.topic(GROUP)
    client = AIOKafkaClient(bootstrap_servers=deployment.settings.bootstrap_servers)
    await client.bootstrap()
    try:
        node = client.get_random_node()

        async def is_deleted() -> bool:
            answer = await client.send(node, DeleteGroupsRequest([group]))
            ((_, code),) = answer.results
            return bool(code == 0)

        await until(is_deleted, f"{group} is deleted")
    finally:
        await client.close()


async def recreate(deployment: Deployment, name: str) -> None:
    """Delete a topic and create it empty."""
    await delete(deployment, name)
    topic = deployment.settings.topic(name)
    async with admin_of(deployment) as admin:
        policy = "compact" if name == "state" else "delete"
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"cleanup.policy": policy})])

        async def is_there() -> bool:
            return topic in await admin.list_topics()

        await until(is_there, f"{topic} is there again")


async def refusal(deployment: Deployment) -> str:
    """What a worker says on its way out; it exits with 1."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "worker", env=deployment.environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, output = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 1, output.decode()
    return output.decode().splitlines()[-1]


def new_events(samples: Samples) -> float:
    """How many raw events a worker has gone through since its start."""
    return sum(v for k, v in samples.items() if k[0] == "playvitals_events_total")


async def counted_deployment(environ: dict[str, str]) -> Deployment:
    """Write ``EVENTS`` plays, let a worker count them, and stop it."""
    deployment = Deployment(environ)
    await ensure_topics(deployment.settings)
    await write(deployment, events(0))
    async with deployment.worker(history=False):
        await deployment.until_metrics(lambda now: now.get(PLAYS) == EVENTS, "all is counted")
    return deployment
