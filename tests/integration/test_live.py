"""The live figures of a real API beside a real worker: ``/v1/quality`` and the stream."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from app.child_process import ChildProcess
from tests.integration.conftest import EnvironFor
from tests.support.deployment import COMMAND, Deployment, Samples
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PARTITIONS = 4
SECRET = {"Authorization": "Bearer sk_test_demo"}
SELECTION = {"window": "2h", "dimension": "cdn"}
CDNS = ("cdn-a", "cdn-b", "cdn-c")
SESSIONS = 30
STOP_SECONDS = 5.0


def events(first: int) -> list[dict[str, Any]]:
    """The events of some sessions: each plays, some stall, some complete."""
    found: list[dict[str, Any]] = []
    for number in range(first, first + SESSIONS):
        common = {
            "contentId": f"clip-{number % 7}",
            "sessionId": f"session-{number}",
            "cdn": CDNS[number % len(CDNS)],
        }
        play = {"startupTime": 200 + 10 * number, "rendition": "720p"}
        found.append({**common, "event": "playStart", "data": play})
        if number % 3 == 0:
            stall = {"duration": 500 + number, "currentTime": 2.5}
            found.append({**common, "event": "rebuffer", "data": stall})
        if number % 2 == 0:
            end = {"watchTime": 12.5, "looped": False}
            found.append({**common, "event": "completion", "data": end})
    return found


class Live:
    """A deployment's API, as somebody who looks at the page sees it."""

    def __init__(self, deployment: Deployment, process: ChildProcess) -> None:
        self.deployment = deployment
        self.process = process
        self.newest: dict[str, Any] = {}
        """The data of the newest message of each event of the stream."""
        self.points: list[dict[str, Any]] = []
        self.ended = False

    @property
    def url(self) -> str:
        return self.deployment.settings.api_address.url

    async def get(self, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url) as client:
            return await client.get(path, **options)

    async def quality(self) -> dict[str, dict[str, Any]]:
        """The slices of the selection by their value; none while the API is not ready."""
        answer = await self.get("/v1/quality", params=SELECTION, headers=SECRET)
        if answer.status_code == 503:
            return {}
        assert answer.status_code == 200, answer.text
        return {found["value"]: found for found in answer.json()["data"]}

    async def post(self, sent: list[dict[str, Any]]) -> None:
        async with httpx.AsyncClient(base_url=self.url, headers=SECRET) as client:
            for at in range(0, len(sent), 100):
                body = {"events": sent[at : at + 100]}
                answer = await client.post("/v1/events/batch", json=body)
                assert answer.json()["data"]["failed"] == 0, answer.text

    async def watch(self) -> None:
        """Read the stream, without a key, until it ends."""
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=20) as client,
            client.stream("GET", "/live/stream", params=SELECTION) as answer,
        ):
            assert answer.status_code == 200
            event = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    data = json.loads(line[6:])
                    self.newest[event] = data
                    if event in ("history", "point"):
                        self.points += data["points"] if event == "history" else [data]
        self.ended = True


@asynccontextmanager
async def live(deployment: Deployment) -> AsyncIterator[Live]:
    process = await ChildProcess.start("api", (*COMMAND, "api"), deployment.environ, sys.stderr)
    subject = Live(deployment, process)

    async def is_ready() -> bool:
        try:
            return (await subject.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    try:
        await until(is_ready, "the API is ready")
        yield subject
    finally:
        await process.stop(STOP_SECONDS)


def figures_of(samples: Samples, cdn: str) -> dict[str, Any]:
    """What the worker's own ``/metrics`` say of a CDN, in the words of the answer."""

    def rolling(name: str) -> float | None:
        return samples.get((f"playvitals_rolling_{name}", "cdn", cdn, "2h"))

    def startup_ms(quantile: str) -> int:
        key = ("playvitals_rolling_startup_seconds", "cdn", quantile, cdn, "2h")
        return round(samples[key] * 1000)

    return {
        "plays": rolling("plays"),
        "completions": rolling("completions"),
        "rebuffers": rolling("rebuffers"),
        "rebufferMs": round((rolling("rebuffer_seconds") or 0.0) * 1000),
        "watchMs": round((rolling("watch_seconds") or 0.0) * 1000),
        "activeViewers": rolling("active_viewers"),
        "rebufferRatio": pytest.approx(rolling("rebuffer_ratio"), abs=1e-6),
        "completionRatio": pytest.approx(rolling("completion_ratio"), abs=1e-6),
        "p50Ms": startup_ms("0.5"),
        "p99Ms": startup_ms("0.99"),
    }


def plays(slices: dict[str, dict[str, Any]]) -> int:
    return sum(found["plays"] for found in slices.values())


async def expect_equal_figures(subject: Live, sessions: int) -> None:
    """The answer, the stream and the worker's metrics say the same of so many sessions."""

    async def is_counted() -> bool:
        rows = subject.newest.get("breakdown", {}).get("rows", [])
        streamed = sum(row["record"]["plays"] for row in rows)
        return bool(plays(await subject.quality()) == streamed == sessions)

    await until(is_counted, f"{sessions} plays are in the answer and in the stream")
    samples = await subject.deployment.until_metrics(
        lambda now: (
            sum(now.get(("playvitals_rolling_plays", "cdn", cdn, "2h"), 0) for cdn in CDNS)
            == sessions
        ),
        f"{sessions} plays are in the metrics",
    )
    answered = await subject.quality()
    assert set(answered) == set(CDNS)
    streamed = {row["record"]["value"]: row for row in subject.newest["breakdown"]["rows"]}
    for cdn in CDNS:
        found = {**answered[cdn], **answered[cdn]["startup"]}
        expected = figures_of(samples, cdn)
        assert {name: found[name] for name in expected} == expected
        shown = {**streamed[cdn]["record"], **streamed[cdn]["record"]["startup"]}
        assert {name: shown[name] for name in expected} == expected
        assert streamed[cdn]["trend"][-1] == expected["rebufferRatio"]
        assert 1 <= len(streamed[cdn]["trend"]) <= 60
    (everything,) = [it for it in subject.newest["now"]["windows"] if it["window"] == "2h"]
    assert everything["plays"] == sessions


async def test_answer_and_stream_are_the_workers_figures_over_the_loss_of_a_worker(
    broker: dict[str, str], environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(
            **broker,
            TOPIC_PREFIX="live.",
            PARTITIONS=str(PARTITIONS),
            WINDOWS="1m,2h",
            CHECKPOINT_SECONDS="1",
            ENVIRONMENT="test",
            API_KEYS="sk_test_demo",
            SESSION_TIMEOUT_SECONDS="6",
        )
    )
    first, second = events(0), events(SESSIONS)
    async with deployment.worker(history=False) as worker, live(deployment) as subject:
        watching = asyncio.create_task(subject.watch())
        await subject.post(first)
        producer = AIOKafkaProducer(bootstrap_servers=deployment.settings.bootstrap_servers)
        await producer.start()
        # The API would refuse it; other producers may write to the raw topic.
        await producer.send_and_wait(deployment.settings.topic("events.raw"), b"no json")
        await producer.stop()
        await expect_equal_figures(subject, SESSIONS)

        async def pipeline_is(accepted: int) -> bool:
            state = subject.newest["pipeline"]
            return bool(
                state["accepted"] == accepted
                and state["reporting"] == PARTITIONS
                and state["lagRecords"] == 0
                and state["freshnessSeconds"] == 0
                and len(state["rejected"]) == 1
            )

        await until(lambda: pipeline_is(len(first)), "the pipeline has everything")
        state = subject.newest["pipeline"]
        assert (state["partitions"], state["ledgerImbalance"], state["duplicates"]) == (4, 0, 0)
        assert state["checkpointAgeSeconds"] < 60
        (refused,) = state["rejected"]
        assert (refused["reason"], refused["lastHour"]) == ("malformed", 1)
        assert refused["sample"]["raw"] == "no json"

        os.kill(worker.pid, signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
        await subject.post(second)
        assert plays(await subject.quality()) == SESSIONS, "the last figures, while none counts"
        async with deployment.worker(history=False):
            await expect_equal_figures(subject, 2 * SESSIONS)
            await until(lambda: pipeline_is(len(first) + len(second)), "all is counted again")
            state = subject.newest["pipeline"]
            assert state["ledgerImbalance"] == 0
            assert [it["lastHour"] for it in state["rejected"]] == [1]
            ats = [point["at"] for point in subject.points]
            assert ats == sorted(set(ats))
            assert subject.points[-1]["plays"] > 0
            metrics = (await subject.get("/metrics")).text
            for name in ("windows", "health", "rejected"):
                assert f'playvitals_api_feed_current{{feed="{name}"}} 1.0' in metrics
            assert "playvitals_api_live_streams 1.0" in metrics

        os.kill(subject.process.pid, signal.SIGINT)
        started = time.monotonic()
        assert await subject.process.wait() == 0
        await watching
        assert time.monotonic() - started < STOP_SECONDS
        assert subject.ended


async def test_api_that_starts_later_has_the_figures_and_the_course(
    broker: dict[str, str], environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(
            **broker,
            TOPIC_PREFIX="later.",
            PARTITIONS=str(PARTITIONS),
            WINDOWS="1m,2h",
            ENVIRONMENT="test",
            API_KEYS="sk_test_demo",
            SESSION_TIMEOUT_SECONDS="6",
        )
    )
    async with deployment.worker(history=False):
        async with live(deployment) as before:
            watching = asyncio.create_task(before.watch())
            await before.post(events(0))
            await expect_equal_figures(before, SESSIONS)

            async def has_a_course() -> bool:
                return len(before.points) >= 3

            await until(has_a_course, "some points are there")
        await asyncio.wait({watching})
        seen = before.points
        async with live(deployment) as after:
            watching = asyncio.create_task(after.watch())
            await expect_equal_figures(after, SESSIONS)
            assert after.points[: len(seen)] == seen
            watching.cancel()
            await asyncio.wait({watching})


async def test_deployment_that_begins_anew_leaves_no_figure_of_before(
    apache_kafka: str, environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(
            KAFKA=apache_kafka,
            TOPIC_PREFIX="anew.",
            PARTITIONS=str(PARTITIONS),
            WINDOWS="1m,2h",
            ENVIRONMENT="test",
            API_KEYS="sk_test_demo",
            SESSION_TIMEOUT_SECONDS="6",
        )
    )
    async with deployment.worker(history=False), live(deployment) as subject:
        watching = asyncio.create_task(subject.watch())
        await subject.post(events(0))
        await expect_equal_figures(subject, SESSIONS)
    await asyncio.wait({watching})
    async with live(deployment) as subject:

        async def is_answered_with(sessions: int) -> bool:
            answer = await subject.get("/v1/quality", params=SELECTION, headers=SECRET)
            data = answer.json().get("data")
            return data is not None and sum(found["plays"] for found in data) == sessions

        await until(lambda: is_answered_with(SESSIONS), "the figures are read")
        await deployment.command("topics", "reset", "--yes")
        await until(lambda: is_answered_with(0), "the figures of before are gone")
        async with deployment.worker(history=False):
            await until(lambda: is_answered_with(SESSIONS), "the raw topic is counted anew")
            watching = asyncio.create_task(subject.watch())
            await expect_equal_figures(subject, SESSIONS)
            watching.cancel()
            await asyncio.wait({watching})
