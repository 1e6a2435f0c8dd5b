"""The Kafka writer against a real broker."""

import time
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.kafka_writer import KafkaWriter
from app.settings import Address
from models.errors import BrokerUnavailableError

pytestmark = pytest.mark.integration

PARTITIONS = 3
DEADLINE_SECONDS = 20.0


async def create_topic(bootstrap_servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        await admin.close()


async def topics_of(bootstrap_servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        return list(await admin.list_topics())
    finally:
        await admin.close()


async def read(bootstrap_servers: str, topic: str, count: int) -> list[list[ConsumerRecord]]:
    """The first ``count`` records of a topic, by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        found: list[list[ConsumerRecord]] = [[] for _ in range(PARTITIONS)]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while sum(map(len, found)) < count:
            assert time.monotonic() < deadline, f"{sum(map(len, found))} of {count} records"
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[place.partition] += records
        return found
    finally:
        await consumer.stop()


def writer_to(bootstrap_servers: str, *, timeout_seconds: float = DEADLINE_SECONDS) -> KafkaWriter:
    return KafkaWriter(
        bootstrap_servers,
        client_id="test",
        linger_seconds=0.005,
        timeout_seconds=timeout_seconds,
        max_batch_bytes=16 << 10,
    )


@pytest.fixture
async def writer(embedded_broker: str) -> AsyncIterator[KafkaWriter]:
    writer = writer_to(embedded_broker)
    await writer.start()
    yield writer
    await writer.stop()


async def test_every_record_arrives_once_in_order_and_as_it_was(
    embedded_broker: str, writer: KafkaWriter
) -> None:
    await create_topic(embedded_broker, "order")
    assert await writer.partition_count("order") == PARTITIONS
    for n in range(6000):
        writer.append("order", n % PARTITIONS, b"k%d" % n, b"v" * 100, timestamp_ms=1_000 + n)
        await writer.wait_room()
    writer.append("order", 0, None, None, timestamp_ms=7, headers=[("pv-tick", b"")])
    writer.append("order", 1, b"large", b"x" * 90_000, timestamp_ms=8)
    await writer.flush()

    found = await read(embedded_broker, "order", 6002)
    for number in range(PARTITIONS):
        expected = [(b"k%d" % n, 1_000 + n) for n in range(number, 6000, PARTITIONS)]
        assert [(record.key, record.timestamp) for record in found[number][:2000]] == expected
    tick, large = found[0][2000], found[1][2000]
    assert (tick.key, tick.value, tick.timestamp, tick.headers) == (
        None,
        None,
        7,
        (("pv-tick", b""),),
    )
    assert (large.key, len(large.value)) == (b"large", 90_000)


async def test_asking_for_a_missing_topic_does_not_create_it(
    embedded_broker: str, writer: KafkaWriter
) -> None:
    with pytest.raises(BrokerUnavailableError, match="there is no topic missing"):
        await writer.partition_count("missing")
    with pytest.raises(BrokerUnavailableError, match="there is no topic missing"):
        await writer.append("missing", 0, None, b"v")
    assert not await writer.is_reachable("missing")
    assert "missing" not in await topics_of(embedded_broker)


async def test_partition_that_does_not_exist_is_refused(
    embedded_broker: str, writer: KafkaWriter
) -> None:
    await create_topic(embedded_broker, "narrow")
    with pytest.raises(BrokerUnavailableError, match="narrow has no partition 3"):
        await writer.append("narrow", PARTITIONS, None, b"v")


async def test_broker_that_comes_late_and_goes_away_for_a_while(
    free_port: Callable[[], int],
) -> None:
    address = Address("127.0.0.1", free_port())
    writer = writer_to(str(address), timeout_seconds=1.0)
    await writer.start()
    try:
        with pytest.raises(BrokerUnavailableError):
            await writer.append("t", 0, None, b"early")
        for value in (b"first", b"second"):
            broker = await start_embedded_broker(address)
            try:
                await create_topic(str(address), "t")
                await deliver(writer, value)
                assert await writer.is_reachable("t")
                found = await read(str(address), "t", 1)
                assert found[0][-1].value == value
            finally:
                await stop_embedded_broker(broker)
            assert not await writer.is_reachable("t")
            with pytest.raises(BrokerUnavailableError):
                await writer.append("t", 0, None, b"lost")
    finally:
        await writer.stop(grace_seconds=0.0)


async def deliver(writer: KafkaWriter, value: bytes) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            return await writer.append("t", 0, None, value)
        except BrokerUnavailableError:
            assert time.monotonic() < deadline
