"""Begins a deployment anew: forgets every state, and counts the raw topic from its beginning."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.kafka_admin import kafka_admin
from app.settings import Settings
from app.stream_app import GROUP
from app.topics import ensure_topics
from models.errors import OperatorError

DERIVED = ("state", "panes", "contents", "windows", "health")
"""The topics that are worth nothing without the state that they were made with."""

_GONE_SECONDS = 30.0
_POLL_SECONDS = 0.2
_FREE_STATES = ("Empty", "Dead")


async def reset_state(settings: Settings, *, history: bool = False) -> None:
    """Delete the derived topics, create them empty, and set the group back to the beginning.

    The raw topic and the topics for downstream teams stay; records of the latter are written
    again, with the ids that they had.

    Raises:
        OperatorError: workers are running, the broker is the embedded one or unreachable, or it
            refuses.
    """
    if settings.embedded:
        raise OperatorError(
            "the embedded broker keeps everything in memory: to begin anew, stop and start it"
        )
    group = settings.topic(GROUP)
    names = [settings.topic(name) for name in DERIVED]
    async with kafka_admin(settings) as admin:
        await _require_no_workers(admin, group)
        present = set(await admin.list_topics())
        await admin.delete_topics([name for name in names if name in present])
        await _wait_until_gone(admin, names)
    await ensure_topics(settings, history=history)
    await _commit_beginning(settings, group)


async def _require_no_workers(admin: AIOKafkaAdminClient, group: str) -> None:
    for answer in await admin.describe_consumer_groups([group]):
        for _, _, state, *_ in answer.groups:
            if state not in _FREE_STATES:
                raise OperatorError(
                    f"workers of group {group} are running (it is in state {state}): stop them "
                    "all, wait for their session to end, and reset then"
                )


async def _wait_until_gone(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while present := set(names) & set(await admin.list_topics()):
        if time.monotonic() > deadline:
            raise OperatorError(
                f"the Kafka broker did not delete {', '.join(sorted(present))} within "
                f"{_GONE_SECONDS:.0f} s; see whether delete.topic.enable is on"
            )
        await asyncio.sleep(_POLL_SECONDS)


async def _commit_beginning(settings: Settings, group: str) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    raw = settings.topic("events.raw")
    partitions = [TopicPartition(raw, number) for number in range(settings.partitions)]
    try:
        await consumer.start()
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    except (KafkaError, OSError) as error:
        raise OperatorError(
            f"the offsets of group {group} could not be set back: {error!r}; run this again"
        ) from error
    finally:
        await consumer.stop()
