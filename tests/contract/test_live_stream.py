"""``GET /live/stream``: who gets it, what it begins with, how many may."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.live.feeds import LiveFeeds
from tests.contract.test_events_api import code_of
from tests.support.live import figures, window
from tests.support.waiting import until

STREAM = "/live/stream"
SECONDS = 10.0


class Viewer:
    """A page that is open: httpx would wait for the end of the stream."""

    def __init__(self, app: ASGIApp, query: str = "", **headers: str) -> None:
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self._left = asyncio.Event()
        self._asked = False
        named = {"host": "localhost:8080", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": STREAM,
            "raw_path": STREAM.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        self.running = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self.body += message["body"]

    async def until_it_shows(self, text: bytes) -> None:
        async def is_there() -> bool:
            return text in self.body

        await until(is_there, f"{text!r} is there", SECONDS)

    async def leave(self) -> None:
        self._left.set()
        async with asyncio.timeout(SECONDS):
            await self.running


async def test_page_of_this_machine_needs_no_key_and_sees_the_figures(
    app: ASGIApp, feeds: LiveFeeds
) -> None:
    viewer = Viewer(app, "window=15m&dimension=cdn")
    await viewer.until_it_shows(b"event: pipeline\n")
    assert viewer.status == 200
    assert viewer.headers[b"content-type"] == b"text/event-stream"
    assert viewer.headers[b"x-request-id"].startswith(b"req_")
    assert viewer.body.startswith(b'event: settings\ndata: {"windows":["1m","5m","15m","1h"],')
    assert (
        b'"environment":"test","version":"0.1.0","window":"15m","dimension":"cdn"}' in viewer.body
    )
    feeds.windows.apply([window("15m", "cdn", "cdn-a", of=figures(4242))])
    await viewer.until_it_shows(b'"value":"cdn-a"')
    await viewer.until_it_shows(b'"plays":4242')
    await viewer.leave()


async def test_without_parameters_it_is_the_second_window_by_rendition(app: ASGIApp) -> None:
    viewer = Viewer(app)
    await viewer.until_it_shows(b'"window":"5m","dimension":"rendition"}')
    await viewer.leave()


async def test_secret_key_opens_it_from_anywhere(app: ASGIApp) -> None:
    viewer = Viewer(app, host="api.example", authorization="Bearer sk_test_demo")
    await viewer.until_it_shows(b"event: pipeline\n")
    assert viewer.headers[b"x-ratelimit-remaining"] == b"999"
    await viewer.leave()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Host": "rebound.example:8080"}, (401, "UNAUTHORIZED")),
        ({"Host": "localhost", "Origin": "https://evil.example"}, (401, "UNAUTHORIZED")),
        ({"Host": "localhost", "Authorization": "Bearer pk_test_demo"}, (403, "FORBIDDEN")),
        ({"Host": "localhost", "X-API-Key": "sk_test_wrong"}, (401, "UNAUTHORIZED")),
    ],
    ids=["another name", "another site", "publishable key", "wrong key"],
)
async def test_everyone_else_is_refused_in_the_envelope(
    client: httpx.AsyncClient, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    del client.headers["Authorization"]
    answer = await client.get(STREAM, headers=headers)
    assert (answer.status_code, code_of(answer)) == expected


@pytest.mark.parametrize("query", ["window=7m", "dimension=contentId"])
async def test_unknown_selection_is_a_400(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{STREAM}?{query}", headers={"Authorization": "Bearer sk_test_demo"})
    assert (answer.status_code, code_of(answer)) == (400, "INVALID_REQUEST")


async def test_one_stream_too_many_is_a_503_until_another_one_ends(
    app: ASGIApp, client: httpx.AsyncClient
) -> None:
    secret = {"Authorization": "Bearer sk_test_demo"}
    viewers = [Viewer(app), Viewer(app)]
    for viewer in viewers:
        await viewer.until_it_shows(b"event: pipeline\n")
    answer = await client.get(STREAM, headers=secret)
    assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0
    assert "playvitals_api_live_streams 2.0" in (await client.get("/metrics")).text
    await viewers[0].leave()
    third = Viewer(app)
    await third.until_it_shows(b"event: pipeline\n")
    await third.leave()
    await viewers[1].leave()


async def test_asking_for_its_headers_opens_nothing(
    client: httpx.AsyncClient, feeds: LiveFeeds
) -> None:
    answer = await client.head(STREAM, headers={"Authorization": "Bearer sk_test_demo"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert feeds.streams.open == 0


async def test_streams_end_with_the_process(app: ASGIApp, feeds: LiveFeeds) -> None:
    viewer = Viewer(app)
    await viewer.until_it_shows(b"event: pipeline\n")
    await feeds.stop()
    async with asyncio.timeout(1.0):
        await viewer.running


async def test_time_that_a_page_is_open_is_no_time_to_answer(
    app: ASGIApp, client: httpx.AsyncClient
) -> None:
    viewer = Viewer(app)
    await viewer.until_it_shows(b"event: pipeline\n")

    async def is_open_for_seconds() -> bool:
        return viewer.body.count(b"event: pipeline\n") >= 3

    await until(is_open_for_seconds, "the page is open for seconds", SECONDS)
    await viewer.leave()
    text = (await client.get("/metrics")).text
    assert 'playvitals_api_requests_total{route="/live/stream",status="200"} 1.0' in text
    (total,) = [
        float(line.split()[1])
        for line in text.splitlines()
        if line.startswith("playvitals_api_request_seconds_sum")
    ]
    assert total < 0.9
