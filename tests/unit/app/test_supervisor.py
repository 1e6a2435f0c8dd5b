"""The stack: ready together, watched, ended together. API and worker are stand-ins here."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import httpx
import pytest

from app.settings import Address, Settings, load_settings
from app.supervisor import ChildEndedError, running_stack, worker_addresses
from models.errors import OperatorError, SettingsError

FAKE_STACK = str(Path(__file__).with_name("fake_stack.py"))
COMMAND = (sys.executable, FAKE_STACK)


@pytest.fixture
def environ(free_port: Callable[[], int]) -> dict[str, str]:
    addresses = ("API_ADDRESS", "METRICS_ADDRESS", "EMBEDDED_KAFKA_ADDRESS")
    return {
        **os.environ,
        **{f"PLAYVITALS_{name}": f"127.0.0.1:{free_port()}" for name in addresses},
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return load_settings(environ)


@pytest.fixture
def start_up(environ: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a supervisor of stand-ins as a process and waits until its stack is ready."""
    started: list[subprocess.Popen[str]] = []

    def start(**manners: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [*COMMAND, "up"],
            env={**environ, **manners},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read_until_ready(process: subprocess.Popen[str]) -> list[int]:
    """The pids that the stack printed on its way."""
    pids = []
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"\| pid (\d+)", line):
            pids.append(int(found[1]))
        if line == "ready\n":
            break
    return pids


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that nobody has waited for yet has ended all the same.
    status = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        ["ps", "-o", "stat=", "-p", str(pid)],  # noqa: S607 - POSIX has it
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return bool(status) and not status.startswith("Z")


def wait_until_gone(pids: list[int], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while running := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline, f"still running: {running}"
        time.sleep(0.02)


async def test_the_stack_is_ready_when_entered_and_gone_when_left(
    settings: Settings, environ: dict[str, str]
) -> None:
    echo = StringIO()
    async with running_stack(settings, environ, echo=echo, command=COMMAND):
        for address in (
            settings.api_address,
            settings.metrics_address,
            settings.embedded_kafka_address,
        ):
            socket.create_connection((address.host, address.port)).close()
    for address in (settings.api_address, settings.metrics_address):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port))
    lines = echo.getvalue().splitlines()
    assert "api | goodbye" in lines
    assert "worker | goodbye" in lines


async def test_an_exception_of_the_body_is_not_wrapped(
    settings: Settings, environ: dict[str, str]
) -> None:
    with pytest.raises(KeyError, match="body"):
        async with running_stack(settings, environ, command=COMMAND):
            raise KeyError("body")


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_a_process_that_dies_at_start_is_named_with_its_last_line(
    role: str, settings: Settings, environ: dict[str, str]
) -> None:
    environ[f"FAKE_{role.upper()}"] = "dies"
    message = f"the {role} process ended with code 1: the {role} has no more ideas"
    with pytest.raises(ChildEndedError, match=message):
        async with running_stack(settings, environ, command=COMMAND):
            pytest.fail("entered although a process is missing")


async def test_a_process_that_dies_later_stops_the_body(
    settings: Settings, environ: dict[str, str]
) -> None:
    echo = StringIO()

    async def lose_the_worker() -> None:
        async with running_stack(settings, environ, echo=echo, command=COMMAND):
            found = re.search(r"worker \| pid (\d+)", echo.getvalue())
            assert found is not None
            os.kill(int(found[1]), signal.SIGKILL)
            await asyncio.Event().wait()

    with pytest.raises(ChildEndedError, match="the worker process was ended by SIGKILL"):
        await lose_the_worker()


@pytest.mark.parametrize("name", ["API_ADDRESS", "METRICS_ADDRESS", "EMBEDDED_KAFKA_ADDRESS"])
async def test_a_taken_port_is_found_before_anything_starts(
    name: str, settings: Settings, environ: dict[str, str]
) -> None:
    address = getattr(settings, name.lower())
    echo = StringIO()
    with (
        socket.create_server((address.host, address.port)),
        pytest.raises(OperatorError, match=rf"port {address.port} .*PLAYVITALS_{name}"),
    ):
        async with running_stack(settings, environ, echo=echo, command=COMMAND):
            pytest.fail("entered although a port is taken")
    assert echo.getvalue() == ""


async def test_two_servers_on_one_port_are_refused(environ: dict[str, str]) -> None:
    environ["PLAYVITALS_METRICS_ADDRESS"] = environ["PLAYVITALS_API_ADDRESS"]
    with pytest.raises(OperatorError, match="give each its own port"):
        async with running_stack(load_settings(environ), environ, command=COMMAND):
            pytest.fail("entered although two servers share a port")


async def test_an_unreachable_kafka_starts_nothing(
    environ: dict[str, str], free_port: Callable[[], int]
) -> None:
    environ["PLAYVITALS_KAFKA"] = f"127.0.0.1:{free_port()}"
    environ["PLAYVITALS_BROKER_TIMEOUT_SECONDS"] = "0.3"
    echo = StringIO()
    with pytest.raises(OperatorError, match="no Kafka broker answered"):
        async with running_stack(load_settings(environ), environ, echo=echo, command=COMMAND):
            pytest.fail("entered without a broker")
    assert echo.getvalue() == ""


@pytest.fixture
def port_pair(free_port_pair: Callable[[], int]) -> int:
    return free_port_pair()


@pytest.fixture
def two_workers(environ: dict[str, str], port_pair: int) -> Settings:
    """The settings of a stack whose two workers have free ports."""
    environ["PLAYVITALS_METRICS_ADDRESS"] = f"127.0.0.1:{port_pair}"
    return load_settings(environ)


async def test_two_workers_serve_side_by_side_and_end_together(
    two_workers: Settings, environ: dict[str, str], port_pair: int
) -> None:
    echo = StringIO()
    ports = (port_pair, port_pair + 1)
    async with running_stack(two_workers, environ, workers=2, echo=echo, command=COMMAND):
        for port in ports:
            socket.create_connection(("127.0.0.1", port)).close()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    lines = echo.getvalue().splitlines()
    assert "worker-1 | goodbye" in lines
    assert "worker-2 | goodbye" in lines


async def test_the_stack_is_ready_once_all_workers_are_so_at_once(
    two_workers: Settings, environ: dict[str, str], port_pair: int
) -> None:
    environ["FAKE_WORKER"] = f"late {port_pair + 1}"
    async with (
        running_stack(two_workers, environ, workers=2, command=COMMAND),
        httpx.AsyncClient() as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{port_pair}/readyz")
        assert answer.status_code == 200


async def test_a_worker_that_dies_among_others_is_named(
    two_workers: Settings, environ: dict[str, str]
) -> None:
    echo = StringIO()

    async def lose_the_second() -> None:
        async with running_stack(two_workers, environ, workers=2, echo=echo, command=COMMAND):
            found = re.search(r"worker-2 \| pid (\d+)", echo.getvalue())
            assert found is not None
            os.kill(int(found[1]), signal.SIGKILL)
            await asyncio.Event().wait()

    with pytest.raises(ChildEndedError, match="the worker-2 process was ended by SIGKILL"):
        await lose_the_second()


async def test_a_taken_port_of_the_second_worker_is_found_before_anything_starts(
    two_workers: Settings, environ: dict[str, str], port_pair: int
) -> None:
    echo = StringIO()
    with (
        socket.create_server(("127.0.0.1", port_pair + 1)),
        pytest.raises(OperatorError, match=rf"port {port_pair + 1} .*PLAYVITALS_METRICS_ADDRESS"),
    ):
        async with running_stack(two_workers, environ, workers=2, echo=echo, command=COMMAND):
            pytest.fail("entered although a port is taken")
    assert echo.getvalue() == ""


def test_each_worker_after_the_first_serves_one_port_further() -> None:
    settings = load_settings({"PLAYVITALS_METRICS_ADDRESS": "0.0.0.0:6066"})
    addresses = [Address("0.0.0.0", port) for port in (6066, 6067, 6068)]  # noqa: S104 - compared
    assert worker_addresses(settings, 3) == addresses


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("PARTITIONS", "2", "3 workers for PLAYVITALS_PARTITIONS=2"),
        ("METRICS_ADDRESS", "127.0.0.1:65534", "leaves no ports for 3 workers"),
    ],
)
def test_more_workers_than_partitions_or_ports_are_refused(
    setting: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        worker_addresses(load_settings({f"PLAYVITALS_{setting}": value}), 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_ends_every_process_and_the_exit_code_is_0(
    number: signal.Signals,
    whole_group: bool,
    start_up: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start_up(FAKE_API="parent")
    pids = read_until_ready(process)
    assert len(pids) == 3
    (os.killpg if whole_group else os.kill)(process.pid, number)
    assert process.wait(timeout=5) == 0
    wait_until_gone(pids, 0.5)


def test_a_process_that_ignores_the_signal_is_killed_within_five_seconds(
    start_up: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start_up(FAKE_WORKER="stubborn")
    pids = read_until_ready(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == 0
    wait_until_gone(pids, 0.5)


def test_no_process_survives_a_killed_supervisor(
    start_up: Callable[..., subprocess.Popen[str]], settings: Settings
) -> None:
    process = start_up(FAKE_API="parent", FAKE_WORKER="stubborn")
    pids = read_until_ready(process)
    process.kill()
    wait_until_gone(pids, 5)
    broker = settings.embedded_kafka_address
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection((broker.host, broker.port)).close()
        except ConnectionRefusedError:
            break
        assert time.monotonic() < deadline, "the broker is still there"
        time.sleep(0.02)
