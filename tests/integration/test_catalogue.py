"""A content catalogue on a real Kafka: API and worker follow it, and agree with themselves."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from app.child_process import ChildProcess
from app.topics import ensure_topics
from models.catalogue import REMOVAL_GRACE_MS
from tests.integration.conftest import EnvironFor
from tests.support.counted import admin_of, refusal
from tests.support.deployment import COMMAND, Deployment
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

ACCEPTED = ("playvitals_events_total", "like", "accepted")
REJECTED = ("playvitals_rejected_total", "unknown_content")
HEADERS = {"Authorization": "Bearer sk_test_demo"}


@pytest.fixture
def bare(request: pytest.FixtureRequest, apache_kafka: str, environ_for: EnvironFor) -> Deployment:
    """A deployment whose catalogue does not exist."""
    name = request.node.name
    return Deployment(
        environ_for(
            KAFKA=apache_kafka,
            TOPIC_PREFIX=f"{name}.",
            PARTITIONS="1",
            WINDOWS="1m",
            ENVIRONMENT="test",
            API_KEYS="sk_test_demo",
            SESSION_TIMEOUT_SECONDS="3",
            CATALOGUE_TOPIC=f"{name}.cms.contents",
        )
    )


@pytest_asyncio.fixture(loop_scope="module")
async def deployment(bare: Deployment) -> Deployment:
    """A deployment with an empty catalogue of three partitions."""
    topic = bare.settings.catalogue_topic
    await ensure_topics(bare.settings)
    async with admin_of(bare) as admin:
        configs = {"cleanup.policy": "compact"}
        await admin.create_topics([NewTopic(topic, 3, 1, topic_configs=configs)])
    return bare


@pytest_asyncio.fixture(loop_scope="module")
async def owner(deployment: Deployment) -> AsyncIterator[AIOKafkaProducer]:
    """Whoever owns the catalogue."""
    producer = AIOKafkaProducer(bootstrap_servers=deployment.settings.bootstrap_servers)
    await producer.start()
    yield producer
    await producer.stop()


async def publish(owner: AIOKafkaProducer, deployment: Deployment, *content_ids: str) -> None:
    for content_id in content_ids:
        await owner.send_and_wait(deployment.settings.catalogue_topic, b"{}", content_id.encode())


async def publish_at_once(deployment: Deployment, *content_ids: str) -> None:
    """In one transaction, whose marker is the last record of each partition that it wrote to."""
    servers, topic = deployment.settings.bootstrap_servers, deployment.settings.catalogue_topic
    async with AIOKafkaProducer(bootstrap_servers=servers, transactional_id=topic) as producer:
        async with producer.transaction():
            for content_id in content_ids:
                await producer.send(topic, b"{}", content_id.encode())


async def withdraw(
    owner: AIOKafkaProducer, deployment: Deployment, content_id: str, ago_ms: int = 0
) -> None:
    await owner.send_and_wait(
        deployment.settings.catalogue_topic,
        None,
        content_id.encode(),
        timestamp_ms=round(time.time() * 1000) - ago_ms,
    )


def like(content_id: str, event_id: str) -> bytes:
    fields = {"event": "like", "contentId": content_id, "sessionId": "s", "eventId": event_id}
    return json.dumps(fields).encode()


async def write(owner: AIOKafkaProducer, deployment: Deployment, *values: bytes) -> None:
    """Past the API, straight to the raw topic."""
    for value in values:
        await owner.send_and_wait(deployment.settings.topic("events.raw"), value, b"s")


async def start_api(deployment: Deployment) -> ChildProcess:
    return await ChildProcess.start("api", (*COMMAND, "api"), deployment.environ, sys.stderr)


async def test_api_follows_the_catalogue(deployment: Deployment, owner: AIOKafkaProducer) -> None:
    await publish_at_once(deployment, "clip-1", "clip-3")
    api = await start_api(deployment)
    try:
        async with httpx.AsyncClient(
            base_url=deployment.settings.api_address.url, headers=HEADERS
        ) as client:

            async def is_ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            async def status(content_id: str) -> int:
                event = {"event": "like", "contentId": content_id, "sessionId": "s"}
                return (await client.post("/v1/events", json=event)).status_code

            async def is_taken() -> bool:
                return await status("clip-2") == 200

            async def is_refused() -> bool:
                return await status("clip-1") == 400

            await until(is_ready, "the API is ready")
            assert await status("clip-1") == 200
            assert await status("clip-2") == 400
            await publish(owner, deployment, "clip-2")
            await until(is_taken, "the new content is known")
            await withdraw(owner, deployment, "clip-1", REMOVAL_GRACE_MS)
            await until(is_refused, "the old content is gone")
    finally:
        await api.stop(10)


async def test_worker_knows_what_was_published_before_the_event_however_late_the_news(
    deployment: Deployment, owner: AIOKafkaProducer
) -> None:
    async with deployment.worker(history=False):
        for number in range(20):
            await publish(owner, deployment, f"clip-{number}")
            await write(owner, deployment, like(f"clip-{number}", f"e{number}"))
        await write(owner, deployment, like("never", "e20"))
        found = await deployment.until_metrics(
            lambda now: now.get(REJECTED) == 1, "the last one is refused"
        )
        assert found[ACCEPTED] == 20
        assert found["playvitals_catalogue_contents",] == 20
    refused = [json.loads(r.value or b"") for r in await deployment.read("events.rejected")]
    assert [(r["reason"], r["field"]) for r in refused] == [("unknown_content", "contentId")]


async def test_worker_that_dies_decides_as_before_though_events_overtook_news_of_withdrawals(
    deployment: Deployment, owner: AIOKafkaProducer
) -> None:
    contents = [f"clip-{number}" for number in range(20)]
    await publish(owner, deployment, "gone", *contents)
    # It does not get to a checkpoint, so its successor reads everything again.
    deployment.environ["PLAYVITALS_CHECKPOINT_SECONDS"] = "3600"
    async with deployment.worker(history=False) as worker:
        for content in contents:
            await write(owner, deployment, like(content, f"before-{content}"))
            await withdraw(owner, deployment, content)
            await write(owner, deployment, like(content, f"after-{content}"))
        await deployment.until_metrics(lambda now: now.get(ACCEPTED) == 40, "they are counted")
        await withdraw(owner, deployment, "gone", REMOVAL_GRACE_MS)
        await deployment.until_metrics(
            lambda now: now.get(("playvitals_catalogue_contents",)) == 0, "all are withdrawn"
        )
        await write(owner, deployment, like("gone", "late"))
        await deployment.until_metrics(lambda now: now.get(REJECTED) == 1, "it is refused")
        os.kill(worker.pid, signal.SIGKILL)
        await asyncio.wait_for(worker.wait(), 10)
    async with deployment.worker(history=False):
        again = await deployment.until_metrics(
            lambda now: now.get(REJECTED) == 1, "it is refused again"
        )
        assert again[ACCEPTED] == 40


async def test_worker_and_api_end_where_the_catalogue_does_not_exist(bare: Deployment) -> None:
    await ensure_topics(bare.settings)
    told = f"PLAYVITALS_CATALOGUE_TOPIC={bare.settings.catalogue_topic} does not exist"
    assert told in await refusal(bare)
    api = await asyncio.create_subprocess_exec(
        *COMMAND, "api", env=bare.environ, stderr=asyncio.subprocess.PIPE
    )
    _, output = await asyncio.wait_for(api.communicate(), 30)
    assert api.returncode == 1
    assert told in output.decode()
