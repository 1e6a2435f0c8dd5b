"""``playvitals replay`` against a real broker."""

import asyncio
import gzip
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.cli import run
from app.partitioner import partition_for
from app.replay.lines import read_line, with_times
from app.replay.reading import Recording
from app.settings import load_settings
from app.topics import ensure_topics
from tables.partition import TICK_HEADER

pytestmark = pytest.mark.integration

PARTITIONS = 4
READ_SECONDS = 20.0
SETTLE_TICKS = 240


@pytest.fixture
def topic(
    embedded_broker: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    """Settings of a deployment of this test's own, and the name of its raw topic."""
    prefix = f"{request.node.name.split('[')[0]}."
    monkeypatch.setenv("PLAYVITALS_KAFKA", embedded_broker)
    monkeypatch.setenv("PLAYVITALS_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("PLAYVITALS_PARTITIONS", str(PARTITIONS))
    return f"{prefix}events.raw"


async def read_topic(bootstrap_servers: str, topic: str, count: int) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[ConsumerRecord] = []
        deadline = time.monotonic() + READ_SECONDS
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records"
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


def read(bootstrap_servers: str, topic: str, count: int) -> list[ConsumerRecord]:
    return asyncio.run(read_topic(bootstrap_servers, topic, count))


def test_history_is_written_byte_for_byte_at_its_own_times_and_settled(
    reference_data: Path, embedded_broker: str, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(reference_data / "dirty.ndjson.gz")
    assert run(["replay", file, "--keep-time", "--settle", "20m"]) == 0
    with gzip.open(file) as lines:
        sent = [line.rstrip(b"\n") for line in lines]
    ticks = SETTLE_TICKS * PARTITIONS
    assert f"sent {len(sent)}, received {len(sent)}, refused 0, {ticks} ticks in " in (
        capsys.readouterr().out
    )

    found = read(embedded_broker, topic, len(sent) + ticks)
    events = [record for record in found if record.value is not None]
    assert sorted(record.value for record in events) == sorted(sent)

    expected: dict[int, list[tuple[bytes, int | None]]] = {n: [] for n in range(PARTITIONS)}
    partition, last_ms = 0, 0
    for line in with_times(map(read_line, Recording(file).lines())):
        if line.key is not None:
            partition = partition_for(line.key.encode(), PARTITIONS)
        expected[partition].append((line.raw, line.time_ms))
        last_ms = max(last_ms, line.time_ms or 0)
    for number in range(PARTITIONS):
        own = [record for record in found if record.partition == number]
        written = [(record.value, record.timestamp) for record in own if record.value is not None]
        assert written == expected[number]
        ticked = own[len(written) :]
        assert [record.timestamp for record in ticked] == [
            last_ms + 5_000 * n for n in range(1, SETTLE_TICKS + 1)
        ]
        assert {tuple(record.headers) for record in ticked} == {((TICK_HEADER, b""),)}


def test_shifted_events_end_now(
    tmp_path: Path, embedded_broker: str, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(
        '{"event":"like","contentId":"a","timestamp":"2022-07-01T00:00:00.000Z"}\n'
        '{"event":"like","contentId":"a","timestamp":"2022-07-01T00:01:00.500Z"}\n'
    )
    before_ms = time.time_ns() // 1_000_000
    assert run(["replay", str(file), "--to", "topic", "--shift-to-now"]) == 0
    after_ms = time.time_ns() // 1_000_000
    assert capsys.readouterr().out.startswith("sent 2, received 2, refused 0 in ")
    first, last = (
        read_line(record.value).time_ms or 0 for record in read(embedded_broker, topic, 2)
    )
    assert last - first == 60_500
    assert before_ms <= last <= after_ms


def test_speed_paces_by_the_events_own_times(
    tmp_path: Path, embedded_broker: str, topic: str
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(
        '{"event":"like","contentId":"a","timestamp":"2022-07-01T00:00:00.000Z"}\n'
        '{"event":"like","contentId":"a","timestamp":"2022-07-01T00:00:30.000Z"}\n'
    )
    assert run(["replay", str(file), "--to", "topic", "--speed", "60"]) == 0
    first, last = (record.timestamp for record in read(embedded_broker, topic, 2))
    assert last - first >= 490


def test_other_number_of_partitions_is_refused(
    tmp_path: Path,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"event":"like","contentId":"a","timestamp":"2022-07-01T00:00:00.000Z"}\n')
    assert run(["replay", str(file), "--keep-time"]) == 0
    monkeypatch.setenv("PLAYVITALS_PARTITIONS", "5")
    assert run(["replay", str(file), "--keep-time"]) == 1
    assert f"topic {topic} has 4 partitions, the settings say 5" in capsys.readouterr().err


@pytest.fixture
def api(topic: str, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A running events API of this test's deployment; its address is in the settings."""
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("PLAYVITALS_API_ADDRESS", address)
    monkeypatch.setenv("PLAYVITALS_API_KEYS", "pk_live_replay")
    asyncio.run(ensure_topics(load_settings()))
    process = subprocess.Popen([sys.executable, "-P", "-m", "app.cli", "api"])
    try:
        deadline = time.monotonic() + READ_SECONDS
        while not is_ready(address):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_api_takes_what_is_valid_and_refuses_the_rest(
    reference_data: Path,
    embedded_broker: str,
    topic: str,
    api: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = json.loads((reference_data / "expected.json").read_text())["dirty"]
    received = expected["accepted"] + expected["duplicates"]
    refused = sum(expected["rejected"].values())
    file = str(reference_data / "dirty.ndjson.gz")
    assert run(["replay", file, "--shift-to-now"]) == 0
    summary, reasons = capsys.readouterr().out.splitlines()
    assert summary.startswith(
        f"sent {expected['records']}, received {received}, refused {refused} in "
    )
    counts = dict(entry.split() for entry in reasons.removeprefix("refused: ").split(", "))
    assert counts == {reason: str(count) for reason, count in expected["rejected"].items()}

    values = [record.value for record in read(embedded_broker, topic, received)]
    ids = {json.loads(value)["eventId"] for value in values}
    assert len(ids) == expected["accepted"]


def test_wrong_key_is_one_clear_line(
    tmp_path: Path, api: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"event":"like","contentId":"a"}\n')
    assert run(["replay", str(file), "--key", "pk_live_wrong"]) == 1
    assert "answered 401, UNAUTHORIZED" in capsys.readouterr().err


def test_events_that_are_too_old_come_with_advice(
    tmp_path: Path, api: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text('{"event":"like","contentId":"a","timestamp":"2022-07-01T00:00:00.000Z"}\n')
    assert run(["replay", str(file)]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith("refused: too_old 1\n")
    assert "--shift-to-now" in shown.err
