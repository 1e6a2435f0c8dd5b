"""Reading a request's body: its type, its compression, and never more of it than the limit."""

import asyncio
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress

from starlette.types import Receive

from app.api.errors import (
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    ApiError,
    invalid_request,
)

Headers = Mapping[bytes, bytes]
"""By their names in lower case, the first of each."""

_CONTENT_TYPES = ("", "application/json")
_JSON = b"application/json"
_DRAIN_BYTES = 16 << 20
_DRAIN_SECONDS = 1.0
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f"
_SLICE_BYTES = 16 << 10


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of an ASGI scope."""
    return dict(reversed([*raw]))


async def read_body(headers: Headers, receive: Receive, limit_bytes: int) -> bytes:
    """The body, decompressed.

    Raises:
        ApiError: 413 over ``limit_bytes``, before or after decompression (a compression bomb is not
            unpacked any further); 415 for another content type or encoding; 400 for broken gzip.
    """
    content_type = headers.get(b"content-type", b"")
    if content_type != _JSON:
        _check_type(content_type)
    announced = _announced_bytes(headers)
    if b"content-encoding" in headers:
        body = _decoder(headers[b"content-encoding"], limit_bytes)
    else:
        body = _Plain(limit_bytes)
    if announced > limit_bytes:
        await _drain(receive)
        raise _too_large(limit_bytes)
    left = announced
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise invalid_request("the connection ended before the body did")
        chunk: bytes = message.get("body", b"")
        left -= len(chunk)
        # Asking whether more follows takes a turn through the server; a size says so beforehand.
        has_more = message.get("more_body", False) and left != 0
        try:
            body.add(chunk)
        except ApiError:
            if has_more:
                await _drain(receive)
            raise
        if not has_more:
            return body.finish()


def _decoder(content_encoding: bytes, limit_bytes: int) -> "_Plain":
    encoding = content_encoding.decode("latin-1").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _Inflated(limit_bytes)
    if encoding in ("identity", ""):
        return _Plain(limit_bytes)
    raise ApiError(
        415,
        UNSUPPORTED_MEDIA_TYPE,
        f"Content-Encoding {encoding[:80]!r} is not taken; send gzip or none",
    )


async def _drain(receive: Receive) -> None:
    """Let a client finish sending: most read the answer only then, and a reset would hide it."""
    left = _DRAIN_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while left >= 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


def _check_type(content_type: bytes) -> None:
    found = content_type.decode("latin-1").partition(";")[0].strip().lower()
    if found not in _CONTENT_TYPES:
        raise ApiError(
            415,
            UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {found[:80]!r} is not taken; send application/json",
        )


def _announced_bytes(headers: Headers) -> int:
    """The size of the body as it comes, -1 where it shows only at its end."""
    text = headers.get(b"content-length", b"")
    return int(text) if text.isdigit() and b"transfer-encoding" not in headers else -1


class _Plain:
    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        self._chunks.append(chunk)

    def finish(self) -> bytes:
        return b"".join(self._chunks)


class _Inflated(_Plain):
    """Gzip of one or more members (RFC 1952, section 2.2), whose contents follow one another."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._inflater = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
        self._received = 0
        self._is_gzip = False
        self._is_first = True

    def add(self, chunk: bytes) -> None:
        if chunk and not self._received:
            self._is_gzip = chunk.startswith(_GZIP_MAGIC)
        self._received += len(chunk)
        # What inflates to nothing counts as well: otherwise it could go on for ever.
        if self._received > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        # Each end of a member copies the rest of its slice, which is why that must be short.
        for start in range(0, len(chunk), _SLICE_BYTES):
            self._inflate(chunk[start : start + _SLICE_BYTES])

    def _inflate(self, packed: bytes) -> None:
        while packed:
            if self._inflater.eof:
                self._begin_member()
            try:
                # One byte over the limit is enough to know, and all that a bomb may cost.
                room = self._limit_bytes + 1 - self._size
                super().add(self._inflater.decompress(packed, room))
            except zlib.error as error:
                raise self._broken(str(error)) from None
            if self._inflater.unconsumed_tail:
                raise _too_large(self._limit_bytes)
            packed = self._inflater.unused_data

    def _begin_member(self) -> None:
        self._is_first = False
        if not self._is_gzip:
            raise self._broken("only gzip has members")
        self._inflater = zlib.decompressobj(wbits=_GZIP)

    def _broken(self, why: str) -> ApiError:
        if self._is_first:
            return invalid_request(f"the body is not gzip: {why}")
        return invalid_request(f"the gzip body goes on after its end with what is not gzip: {why}")

    def finish(self) -> bytes:
        if not self._inflater.eof:
            raise invalid_request("the gzip body ends too early")
        return super().finish()


def _too_large(limit_bytes: int) -> ApiError:
    return ApiError(
        413,
        PAYLOAD_TOO_LARGE,
        f"the body is over {limit_bytes} bytes; send fewer events per request",
    )
