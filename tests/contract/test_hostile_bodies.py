"""Bodies meant to break something: the answer is of the contract, and other events get through."""

import gzip
import json
import zlib

import httpx
import pytest

from tests.contract.conftest import FakeSink

SINGLE, BATCH = "/v1/events", "/v1/events/batch"
EVENT = b'{ "event":"like", "contentId":"a", "eventId":"e" }'


@pytest.mark.parametrize("levels", [40, 500, 990, 1010, 5_000, 100_000])
async def test_deeply_nested_event_takes_no_other_down(
    client: httpx.AsyncClient, sink: FakeSink, levels: int
) -> None:
    deep = b'{"event":"like","contentId":"a","data":{"x":' + b"[" * levels + b"]" * levels + b"}}"
    answer = await client.post(
        BATCH, content=b'{"events":[' + b",".join((EVENT, deep, EVENT)) + b"]}"
    )
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert (data["received"], data["failed"]) == (2, 1)
    assert (data["errors"][0]["index"], data["errors"][0]["code"]) == (1, "VALIDATION_ERROR")
    assert len(sink.records) == 2


@pytest.mark.parametrize("levels", [40, 500, 990, 1010, 5_000, 100_000])
@pytest.mark.parametrize("inner", [b"", b"NaN"])
async def test_deeply_nested_single_event_is_a_bad_request(
    client: httpx.AsyncClient, levels: int, inner: bytes
) -> None:
    nested = b"[" * levels + inner + b"]" * levels
    answer = await client.post(
        SINGLE, content=b'{"event":"like","contentId":"a","data":{"x":' + nested + b"}}"
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("INVALID_REQUEST", "VALIDATION_ERROR")


@pytest.mark.parametrize("path", [SINGLE, BATCH])
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"events":[' * 50_000])
async def test_nesting_without_an_end_is_a_bad_request(
    client: httpx.AsyncClient, path: str, body: bytes
) -> None:
    answer = await client.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


async def test_event_beside_nan_and_a_huge_integer_is_stored_byte_for_byte(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    stamped = EVENT[:-1] + b', "timestamp":"2100-01-01T00:00:00Z", "note":1.10 }'
    odd = b'{"event":"like","contentId":"a","data":{"x":' + b"9" * 5000 + b',"y":NaN}}'
    answer = await client.post(BATCH, content=b'{"events":[' + stamped + b"," + odd + b"]}")
    assert answer.json()["data"]["received"] == 1
    assert [value for _, _, _, value, _ in sink.records] == [stamped]


async def test_broken_event_in_a_batch_is_no_json_at_all(client: httpx.AsyncClient) -> None:
    answer = await client.post(BATCH, content=b'{"events":[' + EVENT + b',{"event":"like",}]}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_gzip_of_several_members_is_their_contents_in_a_row(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    for cuts in ((0, 10), (0, 1, 30, 31), (0, 0, 20, 20)):
        ends = (*cuts[1:], len(EVENT))
        parts = [EVENT[start:end] for start, end in zip(cuts, ends, strict=True)]
        body = b"".join(map(gzip.compress, parts))
        answer = await client.post(SINGLE, content=body, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 200
    assert [value.startswith(EVENT[:-1]) for _, _, _, value, _ in sink.records if value] == [
        True
    ] * 3
    answer = await client.post(
        SINGLE, content=gzip.compress(EVENT) * 2, headers={"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    assert "not JSON" in answer.json()["error"]["message"]


async def test_data_after_the_gzip_stream_is_a_bad_request(client: httpx.AsyncClient) -> None:
    packed = gzip.compress(EVENT)
    for tail in (b"more", b"\x00" * 8, b"\x1f", packed[:-1], zlib.compress(EVENT), EVENT):
        answer = await client.post(
            SINGLE, content=packed + tail, headers={"Content-Encoding": "gzip"}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("path", ["/v1/events/", "/v1//events", "/healthz/", "/docs/"])
async def test_path_is_right_or_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=json.dumps({}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
