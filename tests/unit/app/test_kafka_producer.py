"""The requests that batches are sent in."""

import pytest
from aiokafka.protocol.produce import ProduceRequest

from app.kafka_producer import BatchesRequest, BuiltBatch

PRODUCE = ProduceRequest.API_KEY
ALL_REPLICAS = -1
BATCHES: list[BuiltBatch] = [
    ("views", 3, bytearray(b"first")),
    ("events.accepted", 0, b"second"),
    ("views", 11, b"x" * 100_000),
    ("ünï", 1, b""),
]


@pytest.mark.parametrize("version", range(8))
def test_request_has_the_bytes_of_aiokafkas_own(version: int) -> None:
    versions = {PRODUCE: (0, version)}
    topics = [
        ("views", [(3, b"first"), (11, b"x" * 100_000)]),
        ("events.accepted", [(0, b"second")]),
        ("ünï", [(1, b"")]),
    ]
    own = ProduceRequest(None, ALL_REPLICAS, 20_000, topics).prepare(versions)
    ours = BatchesRequest(BATCHES, 20_000).prepare(versions)
    assert ours.encode() == own.encode()
    assert ours.RESPONSE_TYPE is own.RESPONSE_TYPE
    assert ours.API_VERSION == version
