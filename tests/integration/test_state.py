"""State that does not fit: every mismatch stops the worker with what to do, and a reset helps."""

import asyncio
import json
import os
import signal
import time

import httpx
import pytest
from aiokafka.admin import NewPartitions, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from app.topics import NAMES
from tests.chaos.topics import Topics
from tests.integration.conftest import EnvironFor
from tests.support.counted import (
    EVENTS,
    PLAYS,
    admin_of,
    counted_deployment,
    events,
    new_events,
    recreate,
    refusal,
    write,
)
from tests.support.deployment import COMMAND, Deployment
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
async def counted(
    request: pytest.FixtureRequest, apache_kafka: str, environ_for: EnvironFor
) -> Deployment:
    """A deployment of one partition that has counted some events and was stopped."""
    return await counted_deployment(
        environ_for(
            KAFKA=apache_kafka,
            TOPIC_PREFIX=f"{request.node.name}.",
            PARTITIONS="1",
            WINDOWS="1m",
            SESSION_TIMEOUT_SECONDS="3",
            TICK_SECONDS="3600",
        )
    )


async def test_stopped_worker_leaves_nothing_for_its_successor_to_count(
    counted: Deployment,
) -> None:
    async with counted.worker(history=False):
        after = await counted.until_metrics(lambda now: now.get(PLAYS) == EVENTS, "it is restored")
        assert new_events(after) == 0
        assert after["playvitals_dedupe_ids",] == EVENTS
        await write(counted, [*events(0), *events(100, 1)])
        after = await counted.until_metrics(
            lambda now: now.get(PLAYS) == EVENTS + 1, "the new event is counted"
        )
        assert after["playvitals_events_total", "playStart", "duplicate"] == EVENTS
        assert after["playvitals_ledger_imbalance", "0"] == 0


async def test_stopping_takes_less_than_ten_seconds_and_saves_what_was_counted(
    counted: Deployment,
) -> None:
    await write(counted, events(200))
    process = await asyncio.create_subprocess_exec(*COMMAND, "worker", env=counted.environ)

    async def has_counted() -> bool:
        try:
            return (await counted.metrics()).get(PLAYS) == 2 * EVENTS
        except httpx.TransportError:
            return False

    try:
        await until(has_counted, "the new events are counted")
        started = time.monotonic()
        process.terminate()
        assert await process.wait() == 0
        assert time.monotonic() - started < 10
    finally:
        if process.returncode is None:
            process.kill()
    async with counted.worker(history=False):
        after = await counted.until_metrics(
            lambda now: now.get(PLAYS) == 2 * EVENTS, "it is restored"
        )
        assert new_events(after) == 0


async def test_nothing_but_a_checkpoint_commits_an_offset(counted: Deployment) -> None:
    committed = await Topics(counted.settings).committed()
    assert committed == {0: EVENTS}
    hasty = Deployment({**counted.environ, "PLAYVITALS_CHECKPOINT_SECONDS": "3600"})
    async with hasty.worker(history=False) as worker:
        await write(hasty, events(300))
        await hasty.until_metrics(lambda now: now.get(PLAYS) == 2 * EVENTS, "all is counted")
        # Longer than the interval at which Faust commits what was acknowledged.
        await asyncio.sleep(4)
        os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
    assert await Topics(counted.settings).committed() == committed


async def test_raw_topic_that_was_created_anew_and_is_shorter_stops_the_worker(
    counted: Deployment,
) -> None:
    await recreate(counted, "events.raw")
    await write(counted, events(500, 3))
    message = await refusal(counted)
    assert "the raw topic was created anew or lost its end" in message
    assert "playvitals topics reset" in message
    await counted.command("topics", "reset", "--yes")
    async with counted.worker(history=False):
        await counted.until_metrics(lambda now: now.get(PLAYS) == 3, "the new topic is counted")


async def test_raw_topic_that_was_created_anew_and_is_longer_stops_the_worker(
    counted: Deployment,
) -> None:
    await recreate(counted, "events.raw")
    await write(counted, events(500, 2 * EVENTS))
    message = await refusal(counted)
    assert "the raw topic is another one than the state was made from" in message
    assert "playvitals topics reset" in message


async def test_records_that_expired_uncounted_stop_the_worker(counted: Deployment) -> None:
    await write(counted, events(600))
    raw = TopicPartition(counted.settings.topic("events.raw"), 0)
    async with admin_of(counted) as admin:
        await admin.delete_records({raw: RecordsToDelete(before_offset=EVENTS + 10)})
    message = await refusal(counted)
    assert "10 records expired or were deleted uncounted" in message
    await counted.command("topics", "reset", "--yes")
    async with counted.worker(history=False):
        await counted.until_metrics(
            lambda now: now.get(PLAYS) == EVENTS - 10, "what is left is counted"
        )


async def test_lost_state_topic_stops_the_worker_and_a_reset_counts_anew(
    counted: Deployment,
) -> None:
    await recreate(counted, "state")
    message = await refusal(counted)
    assert "the state topic has no checkpoint of it" in message
    await counted.command("topics", "reset", "--yes")
    async with counted.worker(history=False):
        after = await counted.until_metrics(
            lambda now: now.get(PLAYS) == EVENTS, "all is counted anew"
        )
        assert new_events(after) == EVENTS
    views = [json.loads(record.value or b"") for record in await counted.read("events.accepted")]
    assert len(views) == 2 * EVENTS
    assert len({view["eventId"] for view in views}) == EVENTS


async def test_changed_number_of_partitions_stops_the_worker(counted: Deployment) -> None:
    async with admin_of(counted) as admin:
        await admin.create_partitions(
            {counted.settings.topic(name): NewPartitions(2) for name in NAMES}
        )
    assert "PLAYVITALS_PARTITIONS=2" in await refusal(counted)
    grown = Deployment({**counted.environ, "PLAYVITALS_PARTITIONS": "2"})
    assert "was made with 1 partitions and there are 2 now" in await refusal(grown)


async def test_state_topic_that_would_expire_is_refused(
    apache_kafka: str, environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(KAFKA=apache_kafka, TOPIC_PREFIX="expires.", PARTITIONS="1")
    )
    async with admin_of(deployment) as admin:
        await admin.create_topics([NewTopic("expires.state", 1, 1)])
    message = await refusal(deployment)
    assert "topic expires.state has cleanup.policy=delete" in message
    assert "set it to compact" in message


async def test_reset_is_refused_while_workers_run(counted: Deployment) -> None:
    async with counted.worker(history=False):
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *("topics", "reset", "--yes"),
            env=counted.environ,
            stderr=asyncio.subprocess.PIPE,
        )
        _, output = await process.communicate()
    assert process.returncode == 1
    assert "stop them all" in output.decode()
