"""The HTTP contract of the two event endpoints: every status and code, and what is stored."""

import gzip
import json
import time
import zlib
from typing import Any

import httpx
import pytest
from aiokafka.partitioner import DefaultPartitioner

from models.events import partition_key
from models.validation import read_event
from models.verdicts import CheckedEvent
from tests.contract.conftest import FakeSink

EVENT = {
    "event": "playStart",
    "contentId": "clip-1",
    "sessionId": "s1",
    "eventId": "e1",
    "data": {"startupTime": 400},
}
SINGLE = "/v1/events"
BATCH = "/v1/events/batch"


def code_of(answer: httpx.Response) -> str:
    body = answer.json()
    assert body.keys() == {"error", "meta"}
    assert body["error"].keys() == {"code", "message", "details"}
    assert body["meta"] == {"requestId": answer.headers["x-request-id"]}
    return str(body["error"]["code"])


async def test_event_is_received_once_it_is_in_the_raw_topic(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    answer = await client.post(SINGLE, json=EVENT)
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {"received": True, "eventId": "e1"},
        "meta": {"requestId": answer.headers["x-request-id"]},
    }
    assert answer.headers["x-request-id"].startswith("req_")
    ((topic, partition, key, value, timestamp_ms),) = sink.records
    expected = DefaultPartitioner()(b"s1", list(range(12)), None)
    assert (topic, partition, key) == ("playvitals.events.raw", expected, b"s1")
    assert value is not None
    stored = json.loads(value)
    assert stored.pop("timestamp").endswith("Z")
    assert stored == EVENT
    assert timestamp_ms is not None
    assert abs(timestamp_ms - time.time() * 1000) < 5000


async def test_event_with_id_and_timestamp_is_stored_byte_for_byte(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    raw = b'{ "event":"like" ,"contentId":"a","eventId":"e","timestamp":"%b"}' % (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()
    )
    assert (await client.post(SINGLE, content=raw)).status_code == 200
    assert sink.records[0][3] == raw


async def test_batch_tells_what_was_refused_and_keeps_the_rest(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    broken = {"event": "playStart", "contentId": "clip-1", "data": {}}
    answer = await client.post(BATCH, json={"events": [EVENT, broken, {**EVENT, "eventId": "e2"}]})
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "received": 2,
        "failed": 1,
        "errors": [
            {
                "index": 1,
                "code": "VALIDATION_ERROR",
                "field": "data.startupTime",
                "message": "data.startupTime: required by this event type; expected an integer "
                "from 0 to 600000 in milliseconds",
            }
        ],
    }
    assert len(sink.records) == 2


async def test_every_fault_of_an_event_is_listed(client: httpx.AsyncClient) -> None:
    wrong = {"event": "playStart", "contentId": "a b", "userId": "", "data": {"startupTime": -1}}
    answer = await client.post(SINGLE, json=wrong)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    faults = answer.json()["error"]["details"]["errors"]
    assert [(fault["field"], fault["reason"]) for fault in faults] == [
        ("userId", "invalid_type"),
        ("contentId", "invalid_content_id"),
        ("data.startupTime", "out_of_range"),
    ]
    assert all(fault["message"] for fault in faults)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_REQUEST"),
        (b"[]", "INVALID_REQUEST"),
        (b"5", "INVALID_REQUEST"),
        (b'"event"', "INVALID_REQUEST"),
        (b"{", "INVALID_REQUEST"),
        (b"not json", "INVALID_REQUEST"),
        (b'{"event":"like","contentId":"\xff"}', "INVALID_REQUEST"),
        (b'{"event":"like","contentId":"a","note":"\xff"}', "INVALID_REQUEST"),
        (b"[" * 100_000, "INVALID_REQUEST"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "INVALID_REQUEST"),
        (
            b'{"event":"like","contentId":"a","x":' + b"[" * 60 + b"]" * 60 + b"}",
            "VALIDATION_ERROR",
        ),
        (b'{"event":"playStart","contentId":"a","data":{"startupTime":NaN}}', "VALIDATION_ERROR"),
        (b'{"event":"playStart","contentId":"a","data":{"startupTime":1e999}}', "VALIDATION_ERROR"),
        (b'{"event":"like","contentId":"%b"}' % (b"x" * 10_000), "VALIDATION_ERROR"),
        (b'{"event":"like","contentId":"a","eventId":"%b"}' % (b"x" * 10_000), "VALIDATION_ERROR"),
        (b'{"event":"like","contentId":"a","note":"%b"}' % (b"x" * 70_000), "VALIDATION_ERROR"),
        (b"{}", "VALIDATION_ERROR"),
    ],
)
async def test_bad_event_is_a_bad_request(
    client: httpx.AsyncClient, sink: FakeSink, body: bytes, code: str
) -> None:
    answer = await client.post(SINGLE, content=body)
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert sink.records == []
    assert (await client.post(SINGLE, json=EVENT)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"events":{}}',
        b'{"events":5}',
        b'{"events":[]}',
        json.dumps({"events": [EVENT] * 101}).encode(),
        b'{"events":[' + b"[" * 100_000,
        b'{"events":["\xff"]}',
        json.dumps({"events": [EVENT], "sentAt": "yesterday"}).encode(),
        json.dumps({"events": [EVENT], "sentAt": 5}).encode(),
    ],
)
async def test_wrong_batch_envelope_is_refused_as_a_whole(
    client: httpx.AsyncClient, sink: FakeSink, body: bytes
) -> None:
    answer = await client.post(BATCH, content=body)
    assert (answer.status_code, code_of(answer)) == (400, "INVALID_REQUEST")
    assert sink.records == []


async def test_hundred_events_are_taken(client: httpx.AsyncClient, sink: FakeSink) -> None:
    events = [{**EVENT, "eventId": f"e{number}"} for number in range(100)]
    answer = await client.post(BATCH, json={"events": events})
    assert answer.json()["data"]["received"] == 100
    assert len(sink.records) == 100


async def test_event_with_nan_takes_no_other_down(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    nan = b'{"event":"playStart","contentId":"a","data":{"startupTime":NaN}}'
    body = b'{"events":[%b,%b]}' % (json.dumps(EVENT).encode(), nan)
    data = (await client.post(BATCH, content=body)).json()["data"]
    assert (data["received"], data["failed"]) == (1, 1)
    assert (data["errors"][0]["index"], data["errors"][0]["field"]) == (1, "data.startupTime")


async def test_anything_may_stand_in_a_batch(client: httpx.AsyncClient) -> None:
    body: dict[str, list[object]] = {
        "events": [None, 5, "x", [], {}, {"event": 5}, {"event": "PLAYSTART"}, EVENT]
    }
    data = (await client.post(BATCH, json=body)).json()["data"]
    assert (data["received"], data["failed"]) == (1, 7)
    assert [error["index"] for error in data["errors"]] == [0, 1, 2, 3, 4, 5, 6]


async def test_last_of_duplicate_keys_wins(client: httpx.AsyncClient, sink: FakeSink) -> None:
    body = b'{"event":"like","contentId":"a b","contentId":"a","eventId":"1","eventId":"2"}'
    answer = await client.post(SINGLE, content=body)
    assert answer.json()["data"]["eventId"] == "2"
    assert sink.records[0][3] is not None


async def test_missing_id_is_the_same_for_a_retry_with_a_timestamp(
    client: httpx.AsyncClient,
) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {key: value for key, value in EVENT.items() if key != "eventId"}
    timed = {**event, "timestamp": now}
    ids = [
        (await client.post(SINGLE, json=body)).json()["data"]["eventId"]
        for body in (timed, {**timed, "sentAt": now}, event, event)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_batch_sent_at_corrects_a_wrong_phone_clock(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    old = {**EVENT, "timestamp": "2020-01-01T00:00:00.000Z"}
    body = {"events": [old], "sentAt": "2020-01-01T00:00:02.000Z"}
    assert (await client.post(BATCH, json=body)).json()["data"]["received"] == 1
    value = sink.records[0][3]
    assert value is not None
    now_ms = time.time_ns() // 1_000_000
    checked = read_event(value, now_ms)
    assert isinstance(checked, CheckedEvent)
    assert checked.adjusted
    assert abs(now_ms - 2000 - checked.timestamp_ms) < 5000
    assert partition_key(checked.event) == "s1"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Bearer pk_test_wrong"}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Basic pk_test_demo"}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Bearer nonsense"}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Bearer pk_live_demo"}, 403, "ENVIRONMENT_MISMATCH"),
        ({"Authorization": "Bearer sk_live_demo"}, 403, "ENVIRONMENT_MISMATCH"),
        ({"Content-Type": "text/xml"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Encoding": "br"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_headers_that_do_not_do(
    client: httpx.AsyncClient, sink: FakeSink, headers: dict[str, str], status: int, code: str
) -> None:
    for path, body in ((SINGLE, EVENT), (BATCH, {"events": [EVENT]})):
        answer = await client.post(path, json=body, headers=headers)
        assert (answer.status_code, code_of(answer)) == (status, code)
    assert sink.records == []


@pytest.mark.parametrize("key", ["pk_test_demo", "sk_test_demo"])
async def test_key_may_come_in_either_header(client: httpx.AsyncClient, key: str) -> None:
    del client.headers["Authorization"]
    for headers in ({"X-API-Key": key}, {"Authorization": f"bearer {key}"}):
        answer = await client.post(SINGLE, json=EVENT, headers=headers)
        assert answer.status_code == 200
    assert (await client.post(SINGLE, json=EVENT)).status_code == 401


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
async def test_compressed_body_is_taken(client: httpx.AsyncClient, encode: Any) -> None:
    answer = await client.post(
        SINGLE, content=encode(json.dumps(EVENT).encode()), headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"plain", gzip.compress(b"{}" * 1000, mtime=0)[:-9]])
async def test_broken_gzip_is_a_bad_request(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(SINGLE, content=body, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, code_of(answer)) == (400, "INVALID_REQUEST")


async def test_body_over_a_mebibyte_is_too_large(client: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        for _ in range(32):
            yield b" " * 65536

    bodies: list[Any] = [b" " * (2 << 20), chunks()]
    for body in bodies:
        answer = await client.post(SINGLE, content=body)
        assert (answer.status_code, code_of(answer)) == (413, "PAYLOAD_TOO_LARGE")


async def test_compression_bomb_stops_at_the_limit(client: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * (300 << 20), 9)
    started = time.process_time()
    answer = await client.post(SINGLE, content=bomb, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, code_of(answer)) == (413, "PAYLOAD_TOO_LARGE")
    # Unpacking all of it takes most of a second of CPU time.
    assert time.process_time() - started < 0.3


async def test_broker_away_is_a_503_that_says_when_to_come_back(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    for field in ("away", "stuck"):
        setattr(sink, field, True)
        for path, body in ((SINGLE, EVENT), (BATCH, {"events": [EVENT, {}]})):
            answer = await client.post(path, json=body)
            assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
            assert int(answer.headers["retry-after"]) > 0
        setattr(sink, field, False)
    assert (await client.post(SINGLE, json=EVENT)).status_code == 200


async def test_event_that_grows_too_large_for_the_worker_is_refused_at_once(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    raw = b'{"event":"like","contentId":"a","note":"%b"}'
    raw %= b"x" * (65_536 - len(raw))
    assert len(raw) <= 65_536
    answer = await client.post(SINGLE, content=raw)
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    assert answer.json()["error"]["details"]["errors"][0]["reason"] == "too_large"
    assert sink.records == []


async def test_batch_of_only_refused_events_needs_no_broker(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    sink.away = True
    answer = await client.post(BATCH, json={"events": [{}]})
    assert answer.json()["data"]["failed"] == 1
