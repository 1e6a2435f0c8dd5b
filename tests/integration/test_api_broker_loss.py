"""The API over the loss and the return of its broker, as a client sees it."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.settings import Settings, load_settings
from app.topics import ensure_topics
from tests.integration.test_kafka_writer import read

pytestmark = pytest.mark.integration

DEADLINE_SECONDS = 20.0
ANSWER_SECONDS = 5.0
STOP_SECONDS = 3.0
EVENT = {"event": "playStart", "contentId": "c", "sessionId": "s", "data": {"startupTime": 300}}


@pytest.fixture
def environ(environ_for: Callable[..., dict[str, str]]) -> dict[str, str]:
    return environ_for(PARTITIONS="3")


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return load_settings(environ)


@pytest.fixture
def api(environ: dict[str, str], settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-P", "-m", "app.cli", "api"], env=environ)
    yield process
    process.kill()
    process.wait()


@asynccontextmanager
async def broker_with_topics(settings: Settings) -> AsyncIterator[None]:
    # It keeps nothing when it ends, so each one gets its topics anew.
    broker = await start_embedded_broker(settings.embedded_kafka_address)
    try:
        await ensure_topics(settings)
        yield
    finally:
        await stop_embedded_broker(broker)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=settings.api_address.url,
        headers={"X-API-Key": "pk_test_demo"},
        timeout=DEADLINE_SECONDS,
    ) as client:
        yield client


async def post_event(client: httpx.AsyncClient) -> httpx.Response:
    """Post one event; every answer comes in time."""
    started = time.monotonic()
    answer = await client.post("/v1/events", json=EVENT)
    assert time.monotonic() - started < ANSWER_SECONDS
    return answer


async def post_until_received(client: httpx.AsyncClient) -> str:
    """Post one event as a client does, again while it is not taken; the id of the event."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = await post_event(client)
        if answer.status_code == 200:
            event_id: str = answer.json()["data"]["eventId"]
            return event_id
        assert answer.status_code == 503
        assert time.monotonic() < deadline


async def until_status(client: httpx.AsyncClient, path: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            answer = await client.get(path)
            if answer.status_code == status:
                return answer
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"waited in vain for a {status} of {path}"
        await asyncio.sleep(0.05)


async def assert_unavailable(client: httpx.AsyncClient) -> None:
    answer = await post_event(client)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert int(answer.headers["retry-after"]) >= 1
    await until_status(client, "/readyz", 503)
    assert (await client.get("/healthz")).status_code == 200


async def test_events_are_refused_while_the_broker_is_away_and_taken_when_it_is_back(
    api: subprocess.Popen[bytes], client: httpx.AsyncClient, settings: Settings
) -> None:
    await until_status(client, "/healthz", 200)
    await assert_unavailable(client)

    for _ in range(2):
        async with broker_with_topics(settings):
            await until_status(client, "/readyz", 200)
            event_id = await post_until_received(client)
            found = await read(settings.bootstrap_servers, settings.topic("events.raw"), 1)
            values = [json.loads(record.value) for records in found for record in records]
            # A refused event may still arrive; this one has to.
            assert event_id in [value["eventId"] for value in values]
        await assert_unavailable(client)

    metrics = (await client.get("/metrics")).text
    assert 'playvitals_api_events_total{outcome="received"} 2.0' in metrics
    # The embedded broker refuses a write now and then when its topics are very new.
    unavailable = re.search(r'playvitals_api_events_total{outcome="unavailable"} (\d+)', metrics)
    assert unavailable is not None
    assert int(unavailable[1]) >= 3


@pytest.mark.parametrize("with_broker", [True, False])
async def test_it_ends_in_time_with_a_request_in_flight(
    api: subprocess.Popen[bytes], client: httpx.AsyncClient, settings: Settings, with_broker: bool
) -> None:
    async with broker_with_topics(settings):
        await until_status(client, "/readyz", 200)
        await post_until_received(client)
        if with_broker:
            await asyncio.to_thread(end, api)
            return
    pending = asyncio.create_task(client.post("/v1/events", json=EVENT))
    await until_status(client, "/readyz", 503)
    await asyncio.to_thread(end, api)
    answer = (await asyncio.gather(pending, return_exceptions=True))[0]
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 503


def end(api: subprocess.Popen[bytes]) -> None:
    api.terminate()
    assert api.wait(timeout=STOP_SECONDS) == 0


def test_taken_port_is_one_clear_line(
    environ: dict[str, str], settings: Settings, api: subprocess.Popen[bytes]
) -> None:
    with httpx.Client(base_url=settings.api_address.url) as client:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                client.get("/healthz")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    second = subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", "api"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.startswith(
        f"playvitals: port {settings.api_address.port} ({settings.api_address}) is taken"
    )
    assert "PLAYVITALS_API_ADDRESS" in second.stderr
