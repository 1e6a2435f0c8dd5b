"""What a fetch hands out, of folded topics and of others, from batches as a broker sends them."""

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record import MemoryRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import ConsumerRecord

from agents.fetched_records import FetchedRecords

RAW = "events.raw"


def batches(*sizes: int) -> bytes:
    """Batches of records with the values 0, 1, …, as bytes."""
    built = b""
    offset = 0
    for size in sizes:
        builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
        for place in range(size):
            builder.append(place, 1_000 + offset, b"k", b"%d" % offset, [("h", b"v")])
            offset += 1
        batch = builder.build()
        batch[:8] = (offset - size).to_bytes(8, "big")
        built += bytes(batch)
    return built


def fetched(topic: str, data: bytes, at: int = 0) -> fetcher.PartitionRecords:
    tp = TopicPartition(topic, 3)
    records = MemoryRecords(data)
    return fetcher.PartitionRecords(tp, records, [], at, None, None, True, fetcher.READ_UNCOMMITTED)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "PartitionRecords", fetcher.PartitionRecords)
    monkeypatch.setattr(FetchedRecords, "folded_topics", frozenset())
    FetchedRecords.install(frozenset({RAW}))


def test_records_of_a_folded_topic_have_what_a_fold_needs() -> None:
    subject = fetched(RAW, batches(2, 3))
    found = list(subject)
    assert not any(isinstance(record, ConsumerRecord) for record in found)
    assert [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in found] == [
        (n, 1_000 + n, b"k", b"%d" % n, [("h", b"v")]) for n in range(5)
    ]
    assert subject.next_fetch_offset == 5


def test_they_go_on_where_the_one_who_took_them_stopped() -> None:
    subject = fetched(RAW, batches(2, 3), at=1)
    for record in subject:
        if record.offset == 2:
            break
    assert subject.next_fetch_offset == 3
    assert [record.offset for record in subject] == [3, 4]
    assert next(fetched(RAW, batches(2), at=1)).offset == 1


def test_records_of_other_topics_are_those_of_the_client() -> None:
    (record,) = fetched("state", batches(1))
    assert isinstance(record, ConsumerRecord)
    assert (record.topic, record.partition, record.value) == ("state", 3, b"0")


def test_corrupt_batch_is_refused() -> None:
    data = bytearray(batches(1))
    data[-1] ^= 1
    with pytest.raises(fetcher.Errors.CorruptRecordException):
        list(fetched(RAW, bytes(data)))
