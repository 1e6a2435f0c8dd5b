"""Reading a body: what the client still sends when it is refused."""

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import pytest
from starlette.requests import Request

from app.api.body import read_body
from app.api.errors import ApiError

LIMIT_BYTES = 1000


class Sender:
    """A client that sends chunks one by one."""

    def __init__(self, *chunks: bytes, ends: bool = True) -> None:
        self.left = list(chunks)
        self._ends = ends

    async def __call__(self) -> dict[str, Any]:
        if not self.left and not self._ends:
            await asyncio.Event().wait()
        chunk = self.left.pop(0) if self.left else b""
        more = bool(self.left) or not self._ends
        return {"type": "http.request", "body": chunk, "more_body": more}


def request(sender: Sender, **headers: str) -> Request:
    encoded = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": encoded}
    return Request(scope, sender)


async def test_chunks_are_joined() -> None:
    assert await read_body(request(Sender(b"ab", b"c")), LIMIT_BYTES) == b"abc"


async def test_limit_itself_is_taken_and_one_byte_more_is_not() -> None:
    body = b"x" * LIMIT_BYTES
    assert await read_body(request(Sender(body)), LIMIT_BYTES) == body
    with pytest.raises(ApiError) as caught:
        await read_body(request(Sender(body, b"x")), LIMIT_BYTES)
    assert caught.value.status == 413


async def test_inflated_size_counts() -> None:
    for size, fits in ((LIMIT_BYTES, True), (LIMIT_BYTES + 1, False), (50 << 20, False)):
        packed = zlib.compress(b"x" * size)
        sender = Sender(*(packed[at : at + 10] for at in range(0, len(packed), 10)))
        reading = read_body(request(sender, content_encoding="gzip"), LIMIT_BYTES)
        if fits:
            assert await reading == b"x" * size
        else:
            with pytest.raises(ApiError) as caught:
                await reading
            assert caught.value.status == 413


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ((0,), True),
        ((0, 0, 0), True),
        ((LIMIT_BYTES, 0), True),
        ((400, 0, 600), True),
        ((400, 601), False),
        ((1, LIMIT_BYTES), False),
        ((LIMIT_BYTES, 1), False),
    ],
)
async def test_limit_is_one_for_all_members(
    sizes: tuple[int, ...], fits: bool, chunk_bytes: int
) -> None:
    packed = b"".join(gzip.compress(b"x" * size) for size in sizes)
    chunks = [packed[at : at + chunk_bytes] for at in range(0, len(packed), chunk_bytes)]
    reading = read_body(request(Sender(*chunks), content_encoding="gzip"), LIMIT_BYTES)
    if fits:
        assert await reading == b"x" * sum(sizes)
        return
    with pytest.raises(ApiError) as caught:
        await reading
    assert caught.value.status == 413


async def test_bomb_in_the_second_member_is_not_unpacked() -> None:
    limit_bytes = 1 << 20
    bomb = gzip.compress(b"x" * 900) + gzip.compress(b"\0" * (50 << 20))
    tracemalloc.start()
    with pytest.raises(ApiError) as caught:
        await read_body(request(Sender(bomb), content_encoding="gzip"), limit_bytes)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak_bytes < 8 * limit_bytes


async def test_members_of_nothing_do_not_go_on_for_ever() -> None:
    empty = gzip.compress(b"")
    with pytest.raises(ApiError) as caught:
        await read_body(
            request(Sender(*[empty] * LIMIT_BYTES), content_encoding="gzip"), LIMIT_BYTES
        )
    assert caught.value.status == 413


async def test_client_may_finish_sending_what_is_refused() -> None:
    sender = Sender(*[b"x" * 900] * 50)
    with pytest.raises(ApiError):
        await read_body(request(sender), LIMIT_BYTES)
    assert sender.left == []


async def test_announced_size_is_enough_to_refuse_and_a_silent_client_does_not_hold_it_up() -> None:
    waiting = read_body(request(Sender(ends=False), content_length="1001"), LIMIT_BYTES)
    with pytest.raises(ApiError) as caught:
        await asyncio.wait_for(waiting, 5)
    assert caught.value.status == 413
