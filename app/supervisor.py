"""Broker, API and workers as one stack: started in order, watched, and ended together."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TextIO
from urllib.parse import urlsplit

from app.child_process import ChildProcess
from app.embedded_broker import SETTING as BROKER_SETTING
from app.embedded_broker import start_embedded_broker, stop_embedded_broker
from app.ports import require_free
from app.settings import Address, Settings
from models.errors import OperatorError, SettingsError

READY_SECONDS = 60.0
# With the broker's half second this stays under the five that a user is promised.
STOP_SECONDS = 4.0

_LAST_PORT = 65_535
_POLL_SECONDS = 0.05
_PROBE_TIMEOUT_SECONDS = 2.0


class ChildEndedError(OperatorError):
    """A process of the stack ended although nobody asked it to."""


@asynccontextmanager
async def running_stack(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
    echo: TextIO | None = None,
    command: Sequence[str] = (sys.executable, "-P", "-m", "app.cli"),
) -> AsyncIterator[None]:
    """Run broker (if embedded), API and workers for the time of the context.

    It is entered once the API and every worker are ready. When a process ends by itself, the body
    is cancelled and the context raises. Leaving it ends every process within five seconds.

    Args:
        settings: the settings of the stack.
        environ: what ``settings`` was read from; the processes get it too. By default the
            environment of this process.
        workers: how many; each after the first serves its metrics one port further.
        echo: receives the output of the processes, each line behind its name.
        command: how a subcommand of playvitals is started.

    Raises:
        OperatorError: a port is taken, the broker is unreachable, or the stack did not become
            ready in time.
        ChildEndedError: a process ended by itself; the message has its last line.
    """
    metrics = worker_addresses(settings, workers)
    _require_free_ports(settings, metrics)
    children: list[ChildProcess] = []
    broker: ChildProcess | None = None
    try:
        if settings.embedded:
            broker = await start_embedded_broker(
                settings.embedded_kafka_address, echo if settings.log_level == "debug" else None
            )
        # Imported while the broker starts: it brings the Kafka client with it.
        from app.topics import ensure_topics

        await ensure_topics(settings)
        child_environ = _child_environ(settings, os.environ if environ is None else environ)
        children.append(await ChildProcess.start("api", (*command, "api"), child_environ, echo))
        for name, address in _named(metrics).items():
            own = {**child_environ, "PLAYVITALS_METRICS_ADDRESS": str(address)}
            children.append(await ChildProcess.start(name, (*command, "worker"), own, echo))
        watched = children if broker is None else [*children, broker]
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(_raise_when_one_ends(watched))
                await _wait_until_ready(settings, metrics)
                yield
                watch.cancel()
        except BaseExceptionGroup as group:
            raise _cause(group) from None
    finally:
        await _stop(children, broker)


def worker_addresses(settings: Settings, workers: int) -> list[Address]:
    """Where each of so many workers serves its metrics.

    Raises:
        SettingsError: there are more workers than partitions, or no such ports.
    """
    if workers > settings.partitions:
        raise SettingsError(
            f"{workers} workers for PLAYVITALS_PARTITIONS={settings.partitions}: a partition has "
            "one worker, so the rest would have nothing to do"
        )
    first = settings.metrics_address
    if first.port + workers - 1 > _LAST_PORT:
        raise SettingsError(
            f"PLAYVITALS_METRICS_ADDRESS={first} leaves no ports for {workers} workers: each after "
            "the first takes the next one"
        )
    return [Address(first.host, first.port + number) for number in range(workers)]


def _require_free_ports(settings: Settings, metrics: Sequence[Address]) -> None:
    addresses = [
        ("PLAYVITALS_API_ADDRESS", settings.api_address),
        *(("PLAYVITALS_METRICS_ADDRESS", address) for address in metrics),
    ]
    if settings.embedded:
        addresses.append((BROKER_SETTING, settings.embedded_kafka_address))
    require_free(addresses)


def _child_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    # The supervisor has warned about unknown variables already, and once is enough.
    known = {k: v for k, v in environ.items() if k not in settings.unknown_variables}
    return {**known, "PYTHONUNBUFFERED": "1"}


async def _raise_when_one_ends(children: Sequence[ChildProcess]) -> None:
    waits = {asyncio.ensure_future(child.wait()): child for child in children}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    # The worker may have died of the broker's end a moment earlier in the same round.
    first = max(done, key=lambda wait: list(waits).index(wait))
    raise ChildEndedError(_obituary(waits[first], first.result()))


def _obituary(child: ChildProcess, code: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    line = child.last_line.removeprefix("playvitals: ")
    return f"the {child.name} process {how}: {line or 'it printed nothing'}"


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that explains the others: a dead process makes its clients fail as well."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(_cause(error) if isinstance(error, BaseExceptionGroup) else error)
    return next((leaf for leaf in leaves if isinstance(leaf, ChildEndedError)), leaves[0])


async def _wait_until_ready(settings: Settings, metrics: Sequence[Address]) -> None:
    """Wait until all are ready at once: a worker that joins makes the others not ready again."""
    deadline = time.monotonic() + READY_SECONDS
    addresses = {"API": settings.api_address, **_named(metrics)}
    while True:
        ready = await asyncio.gather(*map(_is_ready, addresses.values()))
        if all(ready):
            return
        if time.monotonic() > deadline:
            waiting = [
                name for name, is_ready in zip(addresses, ready, strict=True) if not is_ready
            ]
            raise OperatorError(
                f"the {' and the '.join(waiting)} did not become ready within "
                f"{READY_SECONDS:.0f} s; set PLAYVITALS_LOG_LEVEL=info to see what it waits for"
            )
        await asyncio.sleep(_POLL_SECONDS)


def _named(metrics: Sequence[Address]) -> dict[str, Address]:
    """The workers by their names in the output."""
    if len(metrics) == 1:
        return {"worker": metrics[0]}
    return {f"worker-{number}": address for number, address in enumerate(metrics, start=1)}


async def _is_ready(address: Address) -> bool:
    url = urlsplit(address.url)
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            try:
                request = f"GET /readyz HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status_line.split(b" ")[1:2] == [b"200"]


async def _stop(children: Sequence[ChildProcess], broker: ChildProcess | None) -> None:
    # The worker writes its last records while it ends, so the broker goes last.
    await asyncio.gather(*(child.stop(STOP_SECONDS) for child in children))
    if broker is not None:
        await stop_embedded_broker(broker)
