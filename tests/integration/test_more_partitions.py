"""More partitions for topics that exist: what docs/operations/scale.md says of it."""

import pytest
from aiokafka.admin import NewPartitions

from app.reset import DERIVED
from app.topics import NAMES
from tests.integration.conftest import EnvironFor
from tests.support.counted import EVENTS, PLAYS, admin_of, counted_deployment
from tests.support.deployment import Deployment

pytestmark = [
    pytest.mark.integration,
    pytest.mark.acceptance,
    pytest.mark.asyncio(loop_scope="module"),
]


async def test_reset_goes_on_with_more_partitions(
    apache_kafka: str, environ_for: EnvironFor
) -> None:
    small = await counted_deployment(
        environ_for(
            KAFKA=apache_kafka,
            TOPIC_PREFIX="more.",
            PARTITIONS="1",
            WINDOWS="1m",
            SESSION_TIMEOUT_SECONDS="3",
            TICK_SECONDS="3600",
        )
    )
    kept = [name for name in NAMES if name not in DERIVED]
    async with admin_of(small) as admin:
        await admin.create_partitions(
            {small.settings.topic(name): NewPartitions(2) for name in kept}
        )
    large = Deployment({**small.environ, "PLAYVITALS_PARTITIONS": "2"})
    await large.command("topics", "reset", "--yes")
    async with large.worker(history=False):
        after = await large.until_metrics(
            lambda now: now.get(PLAYS) == EVENTS, "all is counted again"
        )
    misrouted = sum(v for k, v in after.items() if k[0] == "playvitals_misrouted_total")
    # Of the sessions, some belong to the new partition and lie in the old one.
    assert 0 < misrouted < EVENTS
    lines = (await large.command("topics", "check")).splitlines()
    assert len(lines) == len(NAMES)
    assert all(line.endswith("  2 partitions  ok") for line in lines)
