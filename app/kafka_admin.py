"""A connection to the broker for looking at topics and creating them, with errors that help."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaClient
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from app.logs import silenced
from app.settings import Settings
from models.errors import OperatorError

_REQUEST_TIMEOUT_MS = 10_000
_RETRY_SECONDS = 0.1


class BrokerRequestError(OperatorError):
    """A broker that answers at all failed a request; another one may soon have its part."""


@dataclass(frozen=True, slots=True)
class PlacedTopic:
    """A topic as it is. ``replicas`` are those of the partition that has the fewest."""

    partitions: int
    replicas: int


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What one broker knows: the ids of the brokers that are up, and all topics by name."""

    brokers: frozenset[int]
    topics: dict[str, PlacedTopic]


@asynccontextmanager
async def kafka_admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect to the broker, trying for ``settings.broker_timeout_seconds``.

    Raises:
        BrokerRequestError: a request of the context failed.
        OperatorError: no broker answered in that time.
    """
    client = await _connect(settings)
    try:
        yield client
    except (KafkaError, TimeoutError, OSError) as error:
        raise BrokerRequestError(
            f"the Kafka broker at {settings.bootstrap_servers} failed a request: "
            f"{_describe(error)}; see whether its advertised listeners can be reached from here"
        ) from None
    finally:
        await client.close()


async def cluster_views(settings: Settings) -> list[ClusterView]:
    """What every broker knows; one that does not answer is left out.

    Brokers learn of each other and of a new topic at different times, so the answer of one of
    them says little while a cluster starts or changes.

    Raises:
        KafkaError: none of the servers in the settings answers.
    """
    client = AIOKafkaClient(
        bootstrap_servers=settings.bootstrap_servers,
        client_id="playvitals-admin",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
    )
    with silenced("aiokafka"):
        try:
            await client.bootstrap()
            nodes = [broker.nodeId for broker in client.cluster.brokers()]
            views = await asyncio.gather(*(_view_of(client, node) for node in nodes))
        finally:
            await client.close()
    return [view for view in views if view is not None]


async def _view_of(client: AIOKafkaClient, node: int) -> ClusterView | None:
    try:
        answer = (await client.send(node, MetadataRequest())).to_object()
    except (KafkaError, TimeoutError, OSError):
        return None
    return ClusterView(
        frozenset(broker["node_id"] for broker in answer["brokers"]),
        {
            topic["topic"]: PlacedTopic(
                len(topic["partitions"]),
                min((len(partition["replicas"]) for partition in topic["partitions"]), default=0),
            )
            for topic in answer["topics"]
            if not topic["error_code"]
        },
    )


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
