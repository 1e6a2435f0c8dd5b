"""Reading a body: what the client still sends when it is refused."""

import asyncio
import gzip
import tracemalloc
import zlib
from typing import Any

import pytest

from app.api.body import headers_of, read_body
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


async def read(sender: Sender, **headers: str) -> bytes:
    encoded = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return await read_body(headers_of(encoded), sender, LIMIT_BYTES)


async def test_chunks_are_joined() -> None:
    assert await read(Sender(b"ab", b"c")) == b"abc"


async def test_limit_itself_is_taken_and_one_byte_more_is_not() -> None:
    body = b"x" * LIMIT_BYTES
    assert await read(Sender(body)) == body
    with pytest.raises(ApiError) as caught:
        await read(Sender(body, b"x"))
    assert caught.value.status == 413


async def test_inflated_size_counts() -> None:
    for size, fits in ((LIMIT_BYTES, True), (LIMIT_BYTES + 1, False), (50 << 20, False)):
        packed = zlib.compress(b"x" * size)
        sender = Sender(*(packed[at : at + 10] for at in range(0, len(packed), 10)))
        reading = read(sender, content_encoding="gzip")
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
    reading = read(Sender(*chunks), content_encoding="gzip")
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
        await read_body({b"content-encoding": b"gzip"}, Sender(bomb), limit_bytes)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak_bytes < 8 * limit_bytes


async def test_members_of_nothing_do_not_go_on_for_ever() -> None:
    empty = gzip.compress(b"")
    with pytest.raises(ApiError) as caught:
        await read(Sender(*[empty] * LIMIT_BYTES), content_encoding="gzip")
    assert caught.value.status == 413


async def test_client_may_finish_sending_what_is_refused() -> None:
    sender = Sender(*[b"x" * 900] * 50)
    with pytest.raises(ApiError):
        await read(sender)
    assert sender.left == []


async def test_announced_size_is_enough_to_refuse_and_a_silent_client_does_not_hold_it_up() -> None:
    waiting = read(Sender(ends=False), content_length="1001")
    with pytest.raises(ApiError) as caught:
        await asyncio.wait_for(waiting, 5)
    assert caught.value.status == 413


async def test_sized_body_is_not_waited_for_beyond_its_size() -> None:
    for body in (b"abc", gzip.compress(b"abc")):
        headers = {"content_encoding": "gzip"} if body[0] == 0x1F else {}
        for chunks in ([body], [body[:2], body[2:]]):
            reading = read(Sender(*chunks, ends=False), content_length=str(len(body)), **headers)
            assert await asyncio.wait_for(reading, 5) == b"abc"


async def test_size_beside_chunks_says_nothing() -> None:
    sender = Sender(b"ab", b"c")
    assert await read(sender, content_length="2", transfer_encoding="chunked") == b"abc"


async def test_client_that_leaves_before_the_end_is_a_bad_request() -> None:
    async def leave() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ApiError) as caught:
        await read_body({b"content-length": b"3"}, leave, LIMIT_BYTES)
    assert caught.value.status == 400


def test_first_of_two_headers_with_one_name_counts() -> None:
    assert headers_of([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": b"1", b"b": b"2"}
