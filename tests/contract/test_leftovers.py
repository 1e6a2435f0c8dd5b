"""What an answered request leaves in memory: nothing, for the collector hardly ever runs."""

import gc
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from tests.contract.conftest import FakeSink

EVENT = b'{"event":"like","contentId":"a"}'
KEY = (b"authorization", b"Bearer pk_test_demo")


async def status_of(app: ASGIApp, path: str, body: bytes, *headers: tuple[bytes, bytes]) -> int:
    """The status of the answer, asked for without a client, which would leave things of its own."""
    statuses = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await app(scope, receive, send)
    return int(statuses[0])


async def assert_leaves_nothing(
    app: ASGIApp, status: int, path: str, body: bytes, *headers: tuple[bytes, bytes]
) -> None:
    assert await status_of(app, path, body, *headers) == status
    gc.collect()
    gc.disable()
    try:
        assert await status_of(app, path, body, *headers) == status
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/batch"])
async def test_refused_request_leaves_nothing_for_the_collector(app: ASGIApp, path: str) -> None:
    await assert_leaves_nothing(app, 401, path, EVENT)
    await assert_leaves_nothing(app, 403, path, EVENT, (b"x-api-key", b"pk_live_other"))
    await assert_leaves_nothing(app, 415, path, EVENT, KEY, (b"content-type", b"text/html"))
    await assert_leaves_nothing(app, 413, path, b" " * 1_100_000, KEY)
    await assert_leaves_nothing(app, 400, path, EVENT, KEY, (b"content-encoding", b"gzip"))
    for body in (b"nonsense", b"{}", b"[" * 200_000, b"\xff"):
        await assert_leaves_nothing(app, 400, path, body, KEY)


@pytest.mark.parametrize("state", ["away", "stuck"])
async def test_request_without_acknowledgement_leaves_nothing_for_the_collector(
    app: ASGIApp, sink: FakeSink, state: str
) -> None:
    setattr(sink, state, True)
    await assert_leaves_nothing(app, 503, "/v1/events", EVENT, KEY)


async def test_taken_request_leaves_nothing_for_the_collector(app: ASGIApp) -> None:
    await assert_leaves_nothing(app, 200, "/v1/events", EVENT, KEY)
    await assert_leaves_nothing(app, 200, "/v1/events/batch", b'{"events":[{},%b]}' % EVENT, KEY)
