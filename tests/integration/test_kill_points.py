"""A worker killed at every step of a checkpoint: its successor counts as if nothing had been."""

import asyncio
import json
import signal
import sys
import time
from itertools import count
from pathlib import Path
from random import Random

import pytest

from app.kafka_writer import KafkaWriter
from app.topics import ensure_topics
from models.timestamps import format_timestamp
from tests.chaos.compare import differences
from tests.chaos.harness import raw_record, rules
from tests.chaos.oracle import run_oracle
from tests.chaos.topics import Topics
from tests.integration.conftest import EnvironFor
from tests.support.deployment import Deployment, Samples
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

KILLED_WORKER = Path(__file__).parents[1] / "support" / "killed_worker.py"
EVENTS_PER_ROUND = 40
STEPS = ("before-commit", *(f"record:{number}" for number in range(1, 9)), "after-commit")
"""A checkpoint here has five records: two panes at most, viewers, ids, the manifest; and then the
tombstones of what it replaces."""


class Viewers:
    """Viewers who go on through all rounds: views open in one end in another."""

    def __init__(self) -> None:
        self._random = Random(3)  # noqa: S311 - a load, not a secret
        self._numbers = count()
        self._last_ms = 0
        self.sent: list[dict[str, object]] = []

    def round(self) -> list[dict[str, object]]:
        """The next events; one in eight was sent before."""
        events: list[dict[str, object]] = []
        for _ in range(EVENTS_PER_ROUND):
            if self.sent and self._random.random() < 0.125:
                events.append(self._random.choice(self.sent))
                continue
            viewer = self._random.randrange(8)
            content = f"clip-{self._random.randrange(3)}"
            data = self._random.choice(
                [
                    ("impression", {"position": 1}),
                    ("playStart", {"startupTime": self._random.randrange(2_000)}),
                    ("rebuffer", {"duration": 700, "currentTime": 1.0}),
                    ("watchProgress", {"currentTime": self._random.random(), "duration": 20.0}),
                    ("completion", {"watchTime": 20.0, "looped": False}),
                ]
            )
            # No two of a session at the same moment: their order would be that of arrival.
            self._last_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
            event: dict[str, object] = {
                "event": data[0],
                "contentId": content,
                "eventId": f"e-{next(self._numbers)}",
                "sessionId": f"s-{viewer}",
                "timestamp": format_timestamp(self._last_ms),
                "data": data[1],
            }
            events.append(event)
            self.sent.append(event)
        return events


async def write(deployment: Deployment, events: list[dict[str, object]]) -> None:
    writer = KafkaWriter(
        deployment.settings.bootstrap_servers,
        client_id="test",
        linger_seconds=0.0,
        timeout_seconds=20.0,
    )
    await writer.start()
    for event in events:
        writer.append(deployment.settings.topic("events.raw"), 0, b"k", json.dumps(event).encode())
    await writer.flush()
    await writer.stop()


async def die_at(deployment: Deployment, step: str) -> None:
    """Run a worker that kills itself at ``step``; how it ended is checked."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(KILLED_WORKER), step, env=deployment.environ
    )
    try:
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL, step
    finally:
        if process.returncode is None:
            process.kill()


@pytest.mark.timeout(900)
async def test_worker_killed_at_every_step_of_a_checkpoint_changes_no_figure(
    apache_kafka: str, environ_for: EnvironFor
) -> None:
    environ = environ_for(
        KAFKA=apache_kafka,
        TOPIC_PREFIX="killed.",
        PARTITIONS="1",
        WINDOWS="1h",
        DIMENSIONS="codec",
        STRAGGLER_SECONDS="0",
        SESSION_TIMEOUT_SECONDS="3",
        CHECKPOINT_SECONDS="1",
        # Without ticks the raw topic ends with the last event.
        TICK_SECONDS="3600",
    )
    deployment = Deployment(environ)
    viewers = Viewers()
    await ensure_topics(deployment.settings, history=True)
    for step in STEPS:
        await write(deployment, viewers.round())
        await die_at(deployment, step)
    await write(deployment, viewers.round())
    topics = Topics(deployment.settings)
    expected = run_oracle(
        map(raw_record, await topics.read("events.raw")), rules(deployment.settings)
    )
    assert expected.views
    assert expected.duplicates
    plays = expected.windows["1h|all|"]["plays"]

    def is_counted(now: Samples) -> bool:
        return bool(now.get(("playvitals_rolling_plays", "all", "", "1h")) == plays)

    async with deployment.worker() as worker:
        after = await deployment.until_metrics(is_counted, "every play is counted once")
        assert after["playvitals_ledger_imbalance", "0"] == 0
        assert after["playvitals_dedupe_ids",] == len(expected.accepted)

        async def is_right() -> bool:
            return not differences(
                expected,
                await topics.read_json("events.accepted"),
                await topics.read_json("events.rejected"),
                await topics.read_json("views"),
                await topics.newest("windows"),
            )

        await until(is_right, "every figure is that of one pass")
        await worker.stop(10)
