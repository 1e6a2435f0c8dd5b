"""A worker that takes long to start: once it says that it is ready, its figures are there."""

import os
import signal

import pytest

from tests.integration.conftest import EnvironFor
from tests.support.deployment import Deployment, ledger_imbalances

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PARTITIONS = 2


async def test_worker_that_waits_for_a_dead_one_to_expire_shows_its_partitions_once_it_is_ready(
    broker: dict[str, str], environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(
            **broker,
            TOPIC_PREFIX="start.",
            PARTITIONS=str(PARTITIONS),
            SESSION_TIMEOUT_SECONDS="4",
            REBALANCE_TIMEOUT_SECONDS="4",
        )
    )
    async with deployment.worker() as worker:
        os.kill(worker.pid, signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
    async with deployment.worker():
        samples = await deployment.metrics()
    assert ledger_imbalances(samples) == [0.0] * PARTITIONS
