from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.events_client import ApiUnavailableError, EventsClient
from models.errors import OperatorError

KEY = "pk_test_demo"
OK = {"data": {"received": 2, "failed": 0, "errors": []}, "meta": {}}
Answer = tuple[int, dict[str, Any]]


class Api:
    """Gives the prepared answers in turn, the last one for ever, and keeps the requests."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [(200, OK)]
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, await request.read(), dict(request.headers)))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status, headers=self.headers)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    fake = Api()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", fake.handle)
    async with TestServer(application) as server:
        fake.url = str(server.make_url("/"))
        yield fake


def client(url: str, *, retry_seconds: float = 5.0, compress: bool = False) -> EventsClient:
    return EventsClient(url, KEY, retry_seconds=retry_seconds, connections=2, compress=compress)


def error(code: str, **details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no", "details": details}, "meta": {}}


async def test_batch_is_sent_as_the_bytes_it_was_given(api: Api) -> None:
    async with client(api.url) as sender:
        outcome = await sender.send_batch([b'{"a":1}', b'{"b" :2}'], "2026-01-02T03:04:05.678Z")
    path, body, headers = api.requests[0]
    assert path == "/v1/events/batch"
    assert body == b'{"events":[{"a":1},{"b" :2}],"sentAt":"2026-01-02T03:04:05.678Z"}'
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (outcome.received, outcome.refused) == (2, {})


async def test_compressed_body_is_gzip(api: Api) -> None:
    async with client(api.url, compress=True) as sender:
        await sender.send_batch([b"{}"])
    # The test server's parser has unpacked it.
    assert api.requests[0][1] == b'{"events":[{}]}'
    assert api.requests[0][2]["Content-Encoding"] == "gzip"


async def test_refused_events_are_counted_by_the_rule_they_broke(api: Api) -> None:
    refused = [{"index": index, "code": "VALIDATION_ERROR"} for index in (0, 2)]
    api.answers = [
        (200, {"data": {"received": 1, "failed": 2, "errors": refused}}),
        (400, error("INVALID_REQUEST")),
    ]
    like = b'{"event":"like","contentId":"c"}'
    async with client(api.url) as sender:
        outcome = await sender.send_batch([b'{"event":"like"}', like, b'{"contentId":"c"}'])
        assert (outcome.received, outcome.refused) == (1, {"missing_field": 2})
        assert (await sender.send_one(b"no json")).refused == {"malformed": 1}


async def test_refusal_that_no_rule_explains_is_counted_by_its_code(api: Api) -> None:
    refused = [{"index": 0, "code": "VALIDATION_ERROR"}]
    api.answers = [(200, {"data": {"received": 0, "failed": 1, "errors": refused}})]
    async with client(api.url) as sender:
        outcome = await sender.send_batch([b'{"event":"like","contentId":"c"}'])
    assert outcome.refused == {"VALIDATION_ERROR": 1}


async def test_waiting_for_the_rate_limit_is_no_failure(api: Api) -> None:
    api.headers = {"Retry-After": "0"}
    api.answers = [(429, error("RATE_LIMITED"))] * 3 + [(200, OK)]
    async with client(api.url, retry_seconds=0.0) as sender:
        assert (await sender.send_batch([b"{}", b"{}"])).received == 2


async def test_unusable_batch_is_sent_event_by_event(api: Api) -> None:
    api.answers = [
        (400, error("INVALID_REQUEST")),
        (200, {"data": {"received": True}}),
        (413, error("PAYLOAD_TOO_LARGE")),
    ]
    events = [b'{"a":1}', b'{"event":"like","contentId":"c"}']
    async with client(api.url) as sender:
        outcome = await sender.send_batch(events)
    assert [body for _, body, _ in api.requests[1:]] == events
    assert (outcome.received, outcome.refused) == (1, {"PAYLOAD_TOO_LARGE": 1})


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_same_bytes_are_sent_until_they_are_taken(api: Api, status: int) -> None:
    api.headers = {"Retry-After": "0"}
    api.answers = [(status, error("BUSY")), (status, error("BUSY")), (200, OK)]
    async with client(api.url) as sender:
        outcome = await sender.send_batch([b'{"a":1}', b'{"b":2}'])
    assert outcome.received == 2
    assert len({body for _, body, _ in api.requests}) == 1
    assert len(api.requests) == 3


async def test_pause_that_the_api_asks_for_is_kept_to_the_deadline(api: Api) -> None:
    api.headers = {"Retry-After": "30"}
    api.answers = [(503, error("SERVICE_UNAVAILABLE"))]
    async with client(api.url, retry_seconds=10) as sender:
        with pytest.raises(ApiUnavailableError, match=r"took nothing for 10 s \(answered 503\)"):
            await sender.send_batch([b"{}"])
    assert len(api.requests) == 1


async def test_api_that_is_not_there_is_named(free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with client(url, retry_seconds=0.3) as sender:
        with pytest.raises(ApiUnavailableError, match="is it running") as caught:
            await sender.send_batch([b"{}"])
    assert url in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, error("UNAUTHORIZED"), "answered 401, UNAUTHORIZED: no"),
        (403, error("ENVIRONMENT_MISMATCH"), "answered 403, ENVIRONMENT_MISMATCH: no"),
        (404, {"detail": "?"}, "answered 404, which is no answer of a playvitals API"),
        (200, {"ok": True}, "answered 200, which is no answer of a playvitals API"),
    ],
)
async def test_refused_client_gives_up_at_once(
    api: Api, status: int, body: dict[str, Any], message: str
) -> None:
    api.answers = [(status, body)]
    async with client(api.url) as sender:
        with pytest.raises(OperatorError, match=message):
            await sender.send_batch([b"{}"])
    assert len(api.requests) == 1


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1"])
async def test_unusable_address_is_named(url: str) -> None:
    async with client(url, retry_seconds=0.0) as sender:
        with pytest.raises(OperatorError, match=url):
            await sender.send_batch([b"{}"])
