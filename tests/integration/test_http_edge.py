"""What HTTP clients other than well-behaved ones get from a running API: the envelope, always.

No broker runs. An event that is refused shows that its body was read.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from app.settings import Address
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

ANSWER_SECONDS = 20.0
BODY = b'{"event":"like"}'
KEY = "Authorization: Bearer sk_test_demo"
UPGRADE = (
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(free_port: Callable[[], int]) -> AsyncIterator[Address]:
    """The address of an API without a broker, which its setting gives by name."""
    address = Address("localhost", free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "app.cli", "api"),
        env={
            "PLAYVITALS_API_ADDRESS": str(address),
            "PLAYVITALS_EMBEDDED_KAFKA_ADDRESS": f"127.0.0.1:{free_port()}",
            "PLAYVITALS_LOG_LEVEL": "error",
        },
        stderr=asyncio.subprocess.DEVNULL,
    )

    async def answers() -> bool:
        try:
            return (await ask(address, head("GET", "/healthz")))[0] == 200
        except OSError:
            return False

    try:
        await until(answers, "the API answers")
        yield address
    finally:
        process.kill()
        await process.wait()


def head(method: str, path: str, *headers: str, version: str = "1.1") -> bytes:
    """The head of a request; the connection is closed unless a header says otherwise."""
    lines = [f"{method} {path} HTTP/{version}", "Host: api", *headers]
    if not any(header.startswith("Connection:") for header in headers):
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def ask(address: Address, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send the parts of a request; status, headers and body of the answer."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            for part in parts:
                writer.write(part)
                await writer.drain()
            status, headers = await _read_head(reader)
            if status == 100:
                status, headers = await _read_head(reader)
            length = int(headers.get("content-length", 0))
            is_head = parts[0].startswith(b"HEAD")
            return status, headers, b"" if is_head else await reader.readexactly(length)
    finally:
        writer.close()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines[1:] if line]
    return int(lines[0].split()[1]), {name.lower(): text.strip() for name, _, text in pairs}


def assert_envelope(
    answer: tuple[int, dict[str, str], bytes], status: int, code: str
) -> dict[str, str]:
    """The headers of an answer that refuses with this status and code."""
    found, headers, body = answer
    envelope = json.loads(body)
    assert (found, envelope["error"]["code"]) == (status, code)
    assert set(envelope["error"]) == {"code", "message", "details"}
    assert envelope["meta"]["requestId"] == headers["x-request-id"]
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(headers)
    return headers


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ((), BODY, 400, "VALIDATION_ERROR"),
        (("Content-Type: application/json; charset=utf-8",), BODY, 400, "VALIDATION_ERROR"),
        (("Content-Encoding: identity",), BODY, 400, "VALIDATION_ERROR"),
        (("Expect: 100-continue",), BODY, 400, "VALIDATION_ERROR"),
        (("X-Long: " + "x" * 30_000,), BODY, 400, "VALIDATION_ERROR"),
        (("Content-Type: text/plain;charset=UTF-8",), BODY, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (("Content-Encoding: deflate",), BODY, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (("Content-Encoding: br",), BODY, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ((), b"", 400, "INVALID_REQUEST"),
        ((), b"x" * (2 << 20), 413, "PAYLOAD_TOO_LARGE"),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_body_in_any_dress_is_answered_in_the_envelope(
    api: Address, version: str, headers: tuple[str, ...], body: bytes, status: int, code: str
) -> None:
    length = f"Content-Length: {len(body)}"
    start = head("POST", "/v1/events", KEY, length, *headers, version=version)
    assert_envelope(await ask(api, start, body), status, code)


@pytest.mark.parametrize(
    ("size", "status", "code"),
    [(0, 400, "VALIDATION_ERROR"), (2 << 20, 413, "PAYLOAD_TOO_LARGE")],
)
async def test_body_without_a_length_is_read_to_its_end_or_to_the_limit(
    api: Address, size: int, status: int, code: str
) -> None:
    chunks = [BODY[:5], BODY[5:], *[b" " * (64 << 10)] * (size >> 16)]
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    start = head("POST", "/v1/events", KEY, "Transfer-Encoding: chunked")
    assert_envelope(await ask(api, start, *parts, b"0\r\n\r\n"), status, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("OPTIONS", "/v1/events", 405, "METHOD_NOT_ALLOWED"),
        ("TRACE", "/healthz", 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/v1/events/batch", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/events/", 404, "NOT_FOUND"),
        ("GET", "/v1/../v1/events", 404, "NOT_FOUND"),
        ("GET", "/docs/../../../etc/passwd", 404, "NOT_FOUND"),
        ("GET", "/assets/..%2f..%2fpyproject.toml", 404, "NOT_FOUND"),
        ("GET", "/%00%ff", 404, "NOT_FOUND"),
        ("GET", "/v1/quality?window=%ff", 400, "INVALID_REQUEST"),
    ],
)
async def test_path_and_method_are_answered_in_the_envelope(
    api: Address, method: str, path: str, status: int, code: str
) -> None:
    headers = assert_envelope(await ask(api, head(method, path, KEY)), status, code)
    assert ("allow" in headers) is (status == 405)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/docs", 200), ("/readyz", 503), ("/v1/events", 405), ("/none", 404)],
)
async def test_head_is_answered_like_get_but_for_the_body(
    api: Address, path: str, status: int
) -> None:
    found, headers, _ = await ask(api, head("HEAD", path))
    assert found == status
    assert int(headers["content-length"]) > 0
    assert "x-request-id" in headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/events", 405, "METHOD_NOT_ALLOWED"), ("/none", 404, "NOT_FOUND")],
)
async def test_web_socket_is_a_request_like_others(
    api: Address, path: str, status: int, code: str
) -> None:
    asked = head("GET", path, KEY, "Connection: Upgrade", *UPGRADE)
    assert_envelope(await ask(api, asked), status, code)
