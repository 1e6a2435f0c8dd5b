"""What the topics hold at the end of a run, and where the consumer group stands."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.kafka_admin import kafka_admin
from app.settings import Settings
from app.stream_app import GROUP

Keyed = tuple[bytes | None, dict[str, Any], dict[str, bytes]]
"""Key, value and headers of a record."""


class Topics:
    """Reads the topics of a deployment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def read(self, name: str) -> list[ConsumerRecord]:
        """Every record of a topic up to its present end, in order per partition."""
        async with self._consumer() as consumer:
            tps = self._partitions_of(name)
            ends = await consumer.end_offsets(tps)
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            found: list[ConsumerRecord] = []
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for records in (await consumer.getmany(*tps, timeout_ms=500)).values():
                    found += records
            return found

    async def read_json(self, name: str) -> list[Keyed]:
        """The same with the values decoded, tombstones left out."""
        return [_keyed(record) for record in await self.read(name) if record.value is not None]

    async def newest(self, name: str) -> list[Keyed]:
        """The newest value of every key of a compacted topic that has one."""
        found: dict[bytes | None, ConsumerRecord] = {}
        for record in await self.read(name):
            found[record.key] = record
        return [_keyed(record) for record in found.values() if record.value is not None]

    async def ends(self, name: str) -> dict[int, int]:
        """The offset after the last record of each partition."""
        async with self._consumer() as consumer:
            ends = await consumer.end_offsets(self._partitions_of(name))
        return {tp.partition: end for tp, end in ends.items()}

    async def committed(self) -> dict[int, int]:
        """The next offset per raw partition that the workers' group has committed."""
        raw = self._settings.topic("events.raw")
        admin: AIOKafkaAdminClient
        async with kafka_admin(self._settings) as admin:
            offsets = await admin.list_consumer_group_offsets(self._settings.topic(GROUP))
        return {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == raw}

    def _partitions_of(self, name: str) -> list[TopicPartition]:
        topic = self._settings.topic(name)
        return [TopicPartition(topic, number) for number in range(self._settings.partitions)]

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()


def _keyed(record: ConsumerRecord) -> Keyed:
    return record.key, json.loads(record.value or b""), dict(record.headers)
