"""What only a real Kafka can show: the properties of the topics, and the broker's own clock."""

import json
import time

import pytest
from aiokafka.admin import NewTopic

from app.kafka_admin import kafka_admin
from app.kafka_writer import KafkaWriter
from app.settings import load_settings
from app.topics import NAMES, ensure_topics
from tests.integration.conftest import EnvironFor
from tests.support.deployment import Deployment
from tests.support.kafka_cluster import KafkaCluster
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MINUTE_MS = 60_000
LOG_APPEND_TIME = 1


async def test_created_topics_pass_the_check_and_the_raw_one_takes_the_brokers_time(
    apache_kafka: str, environ_for: EnvironFor
) -> None:
    deployment = Deployment(environ_for(KAFKA=apache_kafka, TOPIC_PREFIX="clock.", PARTITIONS="2"))
    await deployment.command("topics", "create")
    checked = await deployment.command("topics", "check")
    assert [line.split()[-1] for line in checked.splitlines()] == ["ok"] * len(NAMES)
    writer = KafkaWriter(apache_kafka, client_id="test", linger_seconds=0.0, timeout_seconds=20.0)
    await writer.start()
    await writer.append("clock.events.raw", 1, b"k", b"{}", timestamp_ms=1)
    await writer.stop()
    (record,) = await deployment.read("events.raw")
    assert record.timestamp_type == LOG_APPEND_TIME
    assert abs(record.timestamp - time.time() * 1000) < MINUTE_MS


async def test_tick_of_an_idle_partition_carries_the_brokers_time(
    apache_kafka: str, environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(KAFKA=apache_kafka, TOPIC_PREFIX="tick.", PARTITIONS="1", TICK_SECONDS="1")
    )
    await deployment.command("topics", "create")
    async with deployment.worker(history=False):
        writer = KafkaWriter(
            apache_kafka, client_id="test", linger_seconds=0.0, timeout_seconds=20.0
        )
        await writer.start()
        event = {"event": "impression", "contentId": "a", "sessionId": "s", "data": {"position": 0}}
        await writer.append("tick.events.raw", 0, b"s", json.dumps(event).encode())
        await writer.stop()
        samples = await deployment.until_metrics(
            lambda now: now.get(("playvitals_ticks_total",), 0) >= 2, "two ticks were written"
        )
    assert samples["playvitals_ledger_imbalance", "0"] == 0
    records = await deployment.read("events.raw")
    times = [record.timestamp for record in records]
    assert times == sorted(times)
    assert all(abs(at - time.time() * 1000) < MINUTE_MS for at in times)


async def test_topic_with_too_few_replicas_does_not_pass_the_check(
    three_brokers: KafkaCluster, environ_for: EnvironFor
) -> None:
    settings = load_settings(
        environ_for(KAFKA=three_brokers.bootstrap_servers, TOPIC_PREFIX="few.", PARTITIONS="2")
    )
    async with kafka_admin(settings) as admin:
        await admin.create_topics([NewTopic("few.views", 2, 2)])
    reports = {report.plan.name: report for report in await ensure_topics(settings)}
    assert "replicas=2, expected 3" in reports.pop("few.views").differences
    assert [report.differences for report in reports.values()] == [()] * (len(NAMES) - 1)


async def test_records_outlive_the_broker_that_took_them(
    three_brokers: KafkaCluster, environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(KAFKA=three_brokers.bootstrap_servers, TOPIC_PREFIX="lost.", PARTITIONS="3")
    )
    await deployment.command("topics", "create")
    raw = deployment.settings.topic("events.raw")
    leader = (await three_brokers.leaders(raw))[0]

    async def write(value: bytes) -> None:
        writer = KafkaWriter(
            three_brokers.bootstrap_servers,
            client_id="test",
            linger_seconds=0.0,
            timeout_seconds=120.0,
        )
        await writer.start()
        try:
            await writer.append(raw, 0, None, value)
        finally:
            await writer.stop()

    await write(b"before")
    await three_brokers.node(leader).kill()

    async def is_led_by_another() -> bool:
        return await three_brokers.leads_nothing(leader)

    await until(is_led_by_another, "another broker leads")
    await write(b"without")
    await three_brokers.node(leader).start()
    await until(three_brokers.is_whole, "all replicas are in sync again")
    (other,) = {1, 2, 3} - {leader, (await three_brokers.leaders(raw))[0]}
    three_brokers.node(other).pause()
    await write(b"paused")
    three_brokers.node(other).resume()
    await three_brokers.node(other).stop()
    values = [record.value for record in await deployment.read("events.raw")]
    assert values == [b"before", b"without", b"paused"]
