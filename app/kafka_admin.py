"""A connection to the broker for looking at topics and creating them, with errors that help."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.logs import silenced
from app.settings import Settings
from models.errors import OperatorError

_REQUEST_TIMEOUT_MS = 10_000
_RETRY_SECONDS = 0.1


class BrokerRequestError(OperatorError):
    """A broker that answers at all failed a request; another one may soon have its part."""


@asynccontextmanager
async def kafka_admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect to the broker, trying for ``settings.broker_timeout_seconds``.

    Raises:
        BrokerRequestError: a request of the context failed.
        OperatorError: no broker answered in that time.
    """
    try:
        client = await _connect(settings)
    except ValueError as error:
        raise OperatorError(
            f"PLAYVITALS_KAFKA={settings.kafka!r}: {error}; expected HOST:PORT, comma-separated"
        ) from None
    try:
        yield client
    except (KafkaError, TimeoutError, OSError) as error:
        raise BrokerRequestError(
            f"the Kafka broker at {settings.bootstrap_servers} failed a request: "
            f"{_describe(error)}; see whether its advertised listeners can be reached from here"
        ) from None
    finally:
        await client.close()


async def _connect(settings: Settings) -> AIOKafkaAdminClient:
    deadline = time.monotonic() + settings.broker_timeout_seconds
    # It logs every failed attempt; the one error raised below says the same.
    with silenced("aiokafka"):
        while True:
            client = AIOKafkaAdminClient(
                bootstrap_servers=settings.bootstrap_servers,
                client_id="playvitals-admin",
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
            )
            try:
                async with asyncio.timeout(max(0.01, deadline - time.monotonic())):
                    await client.start()
                return client
            except (KafkaError, TimeoutError, OSError):
                await client.close()
                if time.monotonic() + _RETRY_SECONDS > deadline:
                    raise _unreachable(settings) from None
            except BaseException:
                await client.close()
                raise
            await asyncio.sleep(_RETRY_SECONDS)


def _unreachable(settings: Settings) -> OperatorError:
    servers, seconds = settings.bootstrap_servers, settings.broker_timeout_seconds
    if settings.embedded:
        return OperatorError(
            f"the embedded Kafka broker at {servers} did not answer within {seconds:g} s; "
            "start it with 'playvitals up', or set PLAYVITALS_KAFKA to your bootstrap servers"
        )
    return OperatorError(
        f"no Kafka broker answered at {servers} within {seconds:g} s; "
        "start it, correct PLAYVITALS_KAFKA, or unset that to use the embedded broker"
    )


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__
