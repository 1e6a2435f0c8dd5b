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
from models.figures import COMPLETIONS, ENDED_VIEWS, PLAYS, REBUFFERED_VIEWS, REBUFFERS
from models.timestamps import format_timestamp
from tests.integration.conftest import EnvironFor
from tests.support.core import MINUTE_MS, Core, FakeRecord
from tests.support.deployment import Deployment, Samples

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

KILLED_WORKER = Path(__file__).parents[1] / "support" / "killed_worker.py"
EVENTS_PER_ROUND = 40
STEPS = ("before-commit", *(f"record:{number}" for number in range(1, 9)), "after-commit")
"""A checkpoint here has five records: two panes at most, viewers, ids, the manifest; and then the
tombstones of what it replaces."""
ROLLING = {
    "plays": PLAYS,
    "completions": COMPLETIONS,
    "rebuffers": REBUFFERS,
    "ended_views": ENDED_VIEWS,
    "rebuffered_views": REBUFFERED_VIEWS,
}


class Viewers:
    """Viewers who go on through all rounds: views open in one end in another."""

    def __init__(self) -> None:
        self._random = Random(3)  # noqa: S311 - a load, not a secret
        self._numbers = count()
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
            event: dict[str, object] = {
                "event": data[0],
                "contentId": content,
                "eventId": f"e-{next(self._numbers)}",
                "sessionId": f"s-{viewer}",
                "timestamp": format_timestamp(time.time_ns() // 1_000_000),
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


async def distinct(deployment: Deployment, topic: str, field: str) -> dict[str, object]:
    """The values of a topic by an id, after a look that repetitions are identical."""
    found: dict[str, object] = {}
    for record in await deployment.read(topic):
        value = json.loads(record.value or b"")
        assert found.setdefault(value[field], value) == value, "repeated with a change"
    return found


async def one_pass(deployment: Deployment) -> Core:
    """The raw topic, applied record by record to a state that knows of no checkpoints."""
    core = Core(windows_ms=(60 * MINUTE_MS,), dimensions=("codec",), straggler_ms=0)
    for record in await deployment.read("events.raw"):
        core.states[0].apply(
            [FakeRecord(record.offset, record.timestamp, record.value, record.key)]
        )
    return core


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
    core = await one_pass(deployment)
    expected = core.rolling(window=0)

    def is_counted(now: Samples) -> bool:
        counted = [now.get((f"playvitals_rolling_{name}", "all", "", "1h")) for name in ROLLING]
        return counted == [expected.sums[figure] for figure in ROLLING.values()]

    async with deployment.worker() as worker:
        after = await deployment.until_metrics(is_counted, "the figures are those of one pass")
        assert after["playvitals_ledger_imbalance", "0"] == 0
        assert after["playvitals_dedupe_ids",] == core.states[0].accepted
        assert after["playvitals_open_views",] == core.states[0].views.open_views
        await worker.stop(10)
    accepted = {value["eventId"]: value for _, _, value, _ in core.outputs.accepted_records}
    assert await distinct(deployment, "events.accepted", "eventId") == accepted
    views = {value["viewId"]: value for value in core.outputs.views}
    assert await distinct(deployment, "views", "viewId") == views
    assert views
