"""The connection to Kafka that the writer ships its batches over."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Int32, String
from aiokafka.record.default_records import DefaultRecordBatchBuilder

CONNECTION_ERRORS = (
    KafkaError,  # everything that the client itself reports
    OSError,  # refused, reset, or a name that does not resolve
    TimeoutError,  # a broker that accepts connections and then says nothing
)

_METADATA_MAX_AGE_MS = 30_000
_ALL_REPLICAS = -1
_RECORD_FORMAT = 2
_NO_PRODUCER_ID = -1
_NO_TOPICS = Int32.encode(0)

Headers = Sequence[tuple[str, bytes]]
BuiltBatch = tuple[str, int, bytes | bytearray]
"""Topic, partition, and the batch as it is sent."""


class Appended(Protocol):
    """What a batch tells of a record that it took."""

    @property
    def size(self) -> int:
        """Bytes of the record in the batch."""


class RecordBatch(Protocol):
    """Records of one partition that are sent as one."""

    def append(
        self,
        offset: int,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]],
    ) -> Appended | None:
        """Take a record, the ``offset``-th, or return None where it is full; the first fits."""

    def build(self) -> bytes | bytearray:
        """The batch as it is sent. Nothing may be asked of it any more."""


class Producer(Protocol):
    """What the writer needs of a Kafka producer."""

    async def start(self) -> None:
        """Connect; fails with one of :data:`CONNECTION_ERRORS`."""

    async def stop(self) -> None:
        """Drop the connection."""

    def create_batch(self) -> RecordBatch:
        """An empty batch."""

    def leader_of(self, topic: str, partition: int) -> int | None:
        """The broker that takes the records of a partition, or None where it is not known."""

    async def look_up(self, topic: str, partition: int) -> None:
        """Ask who leads a partition; fails where it does not exist."""

    async def send(
        self, broker: int, batches: Sequence[BuiltBatch]
    ) -> Mapping[tuple[str, int], KafkaError | None]:
        """Send built batches, one of each partition, to the broker that leads them.

        Returns what the broker says of each partition, None once all replicas have its batch; fails
        where there is no answer.
        """

    def known_partitions(self, topic: str) -> int:
        """How many partitions ``topic`` has, as far as is known here; 0 where it is not."""

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has; fails where it does not exist."""

    async def is_reachable(self, topic: str) -> bool:
        """Ask the brokers, now, whether ``topic`` exists."""


class BatchesRequest:
    """A produce request that copies each batch once on the way to its bytes.

    aiokafka's own types copy it again for every array and structure that it stands in.
    """

    def __init__(self, batches: Sequence[BuiltBatch], request_ms: int) -> None:
        self._batches = batches
        self._request_ms = request_ms

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Any:
        """The request for a broker that takes these versions; the topics are last in all of them.

        A connection asks any request for that, and what it is given for its bytes.
        """
        request = ProduceRequest(None, _ALL_REPLICAS, self._request_ms, []).prepare(versions)
        pieces = [request.encode().removesuffix(_NO_TOPICS), *_topics(self._batches)]
        request.encode = partial(b"".join, pieces)
        return request


def _topics(batches: Sequence[BuiltBatch]) -> list[bytes | bytearray]:
    """The topics of a produce request, as they are encoded."""
    topics: dict[str, list[tuple[int, bytes | bytearray]]] = {}
    for topic, partition, built in batches:
        topics.setdefault(topic, []).append((partition, built))
    pieces: list[bytes | bytearray] = [Int32.encode(len(topics))]
    for topic, partitions in topics.items():
        pieces += (String().encode(topic), Int32.encode(len(partitions)))
        for partition, built in partitions:
            pieces += (Int32.encode(partition), Int32.encode(len(built)), built)
    return pieces


class KafkaProducer:
    """A :class:`Producer` over aiokafka, with ``acks=all``.

    Batches go into produce requests of our own: aiokafka's sender makes a task, three futures and
    a shield per batch, which costs more than the records in it.

    Args:
        request_seconds: after this long without an answer a request has failed.
    """

    def __init__(
        self, bootstrap_servers: str, *, client_id: str, request_seconds: float, batch_bytes: int
    ) -> None:
        self._request_ms = round(request_seconds * 1000)
        self._batch_bytes = batch_bytes
        self._kafka = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            request_timeout_ms=self._request_ms,
            metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        )
        self._client = self._kafka.client

    async def start(self) -> None:
        """Connect."""
        await self._kafka.start()

    async def stop(self) -> None:
        """Drop the connection."""
        await self._kafka.stop()

    def create_batch(self) -> RecordBatch:
        """An empty batch: not compressed, of no transaction."""
        return cast(
            RecordBatch,
            DefaultRecordBatchBuilder(
                magic=_RECORD_FORMAT,
                compression_type=0,
                is_transactional=0,
                producer_id=_NO_PRODUCER_ID,
                producer_epoch=-1,
                base_sequence=0,
                batch_size=self._batch_bytes,
            ),
        )

    def leader_of(self, topic: str, partition: int) -> int | None:
        """The broker that takes the records of a partition, or None where it is not known."""
        leader = self._client.cluster.leader_for_partition(TopicPartition(topic, partition))
        return None if leader is None or leader < 0 else int(leader)

    async def look_up(self, topic: str, partition: int) -> None:
        """Ask who leads a partition."""
        if partition >= await self.partition_count(topic):
            raise UnknownTopicOrPartitionError(f"{topic} has no partition {partition}")
        if self.leader_of(topic, partition) is None:
            await self._client.force_metadata_update()

    async def send(
        self, broker: int, batches: Sequence[BuiltBatch]
    ) -> Mapping[tuple[str, int], KafkaError | None]:
        """Send built batches to the broker that leads their partitions."""
        try:
            answer = await self._client.send(broker, BatchesRequest(batches, self._request_ms))
        except KafkaError as error:
            self._doubt(error)
            raise
        verdicts: dict[tuple[str, int], KafkaError | None] = {}
        for topic, partitions in answer.topics:
            for partition, code, *_ in partitions:
                verdicts[topic, partition] = None
                if code:
                    refusal = verdicts[topic, partition] = for_code(code)()
                    self._doubt(refusal)
        return verdicts

    def known_partitions(self, topic: str) -> int:
        """How many partitions ``topic`` has, as far as is known here; 0 where it is not."""
        return len(self._client.cluster.partitions_for_topic(topic) or ())

    async def partition_count(self, topic: str) -> int:
        """How many partitions ``topic`` has."""
        if not self.known_partitions(topic):
            # Asking for a missing topic by its name may create it, with a number of partitions
            # that is the broker's choice.
            everything = await self._client.fetch_all_metadata()
            if not everything.partitions_for_topic(topic):
                raise UnknownTopicOrPartitionError(f"there is no topic {topic}")
        return len(await self._kafka.partitions_for(topic))

    async def is_reachable(self, topic: str) -> bool:
        """Ask the brokers, now, whether ``topic`` exists."""
        everything = await self._client.fetch_all_metadata()
        return bool(everything.partitions_for_topic(topic))

    def _doubt(self, error: KafkaError) -> None:
        """Ask again who leads what, where an error says that this has changed."""
        if error.invalid_metadata:
            self._client.force_metadata_update()
