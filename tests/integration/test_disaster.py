"""Topics and offsets that get lost: what docs/operations/disaster.md says of each."""

import asyncio
import json
import sys

import httpx
import pytest

from app.child_process import ChildProcess
from tests.chaos.topics import Topics
from tests.integration.conftest import EnvironFor
from tests.support.counted import (
    EVENTS,
    PLAYS,
    counted_deployment,
    delete,
    delete_group,
    events,
    new_events,
    write,
)
from tests.support.deployment import COMMAND, Deployment
from tests.support.waiting import until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.acceptance,
    pytest.mark.asyncio(loop_scope="module"),
]

END_SECONDS = 120.0


@pytest.fixture
async def counted(
    request: pytest.FixtureRequest, apache_kafka: str, environ_for: EnvironFor
) -> Deployment:
    """A deployment of one partition that has counted some events and was stopped."""
    name = request.node.name.replace("[", ".").replace("]", "")
    return await counted_deployment(
        environ_for(
            KAFKA=apache_kafka,
            TOPIC_PREFIX=f"{name}.",
            PARTITIONS="1",
            WINDOWS="1m",
            SESSION_TIMEOUT_SECONDS="3",
            TICK_SECONDS="3600",
            STALL_SECONDS="10",
            REBALANCE_TIMEOUT_SECONDS="5",
        )
    )


async def newest_window(deployment: Deployment) -> dict[str, object] | None:
    """The record of the slice of everything, or None where there is none."""
    records = await Topics(deployment.settings).newest("windows")
    found = [value for key, value, _ in records if key == b"1m|all|"]
    return found[0] if found else None


async def test_lost_offsets_of_the_group_change_nothing(counted: Deployment) -> None:
    await delete_group(counted)
    async with counted.worker(history=False):
        await write(counted, events(100, 1))
        after = await counted.until_metrics(
            lambda now: now.get(PLAYS) == EVENTS + 1, "the new event is counted"
        )
        assert new_events(after) == 1


async def test_lost_windows_topic_is_made_and_filled_again(counted: Deployment) -> None:
    await delete(counted, "windows")
    async with counted.worker(history=False):
        await write(counted, events(100, 1))

        async def is_back() -> bool:
            record = await newest_window(counted)
            return record is not None and record["plays"] == EVENTS + 1

        await until(is_back, "the window is there again")


async def test_lost_panes_topic_is_filled_again_by_a_reset(counted: Deployment) -> None:
    await delete(counted, "panes")
    async with counted.worker(history=False):
        await write(counted, events(100, 1))
        await counted.until_metrics(lambda now: new_events(now) == 1, "the new event is counted")
    await counted.command("topics", "reset", "--yes")
    async with counted.worker(history=False):
        await counted.until_metrics(lambda now: now.get(PLAYS) == EVENTS + 1, "all is there")


async def test_lost_output_is_written_again_by_a_reset(counted: Deployment) -> None:
    name = "events.accepted"
    await delete(counted, name)
    async with counted.worker(history=False):
        assert await counted.read(name) == []
    await counted.command("topics", "reset", "--yes")
    async with counted.worker(history=False):
        await counted.until_metrics(lambda now: now.get(PLAYS) == EVENTS, "all is counted again")
    records = [json.loads(record.value or b"") for record in await counted.read(name)]
    assert [record["eventId"] for record in records] == [f"e{n}" for n in range(EVENTS)]


@pytest.mark.parametrize("name", ["state", "windows", "events.accepted"])
async def test_topic_that_is_deleted_under_a_worker_ends_it(counted: Deployment, name: str) -> None:
    process = await ChildProcess.start("worker", (*COMMAND, "worker"), counted.environ, sys.stderr)
    try:

        async def is_restored() -> bool:
            try:
                return (await counted.metrics()).get(PLAYS) == EVENTS
            except httpx.TransportError:
                return False

        await until(is_restored, "it is restored")
        await delete(counted, name)
        await write(counted, events(100, 1))
        code = await asyncio.wait_for(process.wait(), END_SECONDS)
        assert code == 1
        assert "was not acknowledged by" in process.last_line
        assert "UnknownTopicOrPartitionError" in process.last_line
    finally:
        await process.stop(0)
