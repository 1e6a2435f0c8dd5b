"""Folded fetches for Faust: up to a thousand consecutive records of a partition as one message.

Faust's cost is per message and not per byte, so a topic that carries every event is folded at the
consumer. Its offsets are the application's business: Faust's own bookkeeping would misread them, so
declare such topics with ``acks=False``. What is committed comes from the checkpoints alone, and
after a rebalance a folded partition goes on from where its state ends.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, TypeVar, cast

import faust
from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread as KafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.transport.drivers.aiokafka import Transport as KafkaTransport
from faust.types import TP, ConsumerMessage, Message

from agents.fetched_records import FetchedRecords
from tables.partition import Record

COMMIT_RETRY_SECONDS = 0.1
FETCH_WAIT_MS = 100
"""For so long a broker may hold back an answer in which there is nothing yet."""

Position = Callable[[TP], int | None]
Fold = Sequence[Record]
T = TypeVar("T")


class FoldingApp(faust.App):
    """A Faust app that folds the topics it is told to.

    ``position`` names the next offset wanted of a folded partition, or None: from its beginning.
    ``is_open`` tells whether it is wanted at all yet; one that is not stays paused until
    :meth:`FoldingConsumer.open`. ``before_revocation`` is awaited before partitions leave.
    """

    folded_topics: frozenset[str] = frozenset()
    fold_records: int = 1000
    position: Position = staticmethod(lambda _: None)
    is_open: Callable[[TP], bool] = staticmethod(lambda _: True)
    before_revocation: Callable[[], Awaitable[None]]

    def _new_transport(self) -> Any:
        return FoldingTransport(self.conf.broker_consumer, self)


class FoldSchema(faust.Schema[Any, Any]):
    """Hands a fold through as it is: decoding is the agent's, record by record."""

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The list of records that the message carries."""
        return message.value


class FoldingConsumerThread(KafkaConsumerThread):
    """Faust's consumer thread, with fetches that do not wait for long, and with commits that report
    a refusal where Faust's would crash."""

    def _create_worker_consumer(self, transport: KafkaTransport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # The client asks a broker for one thing at a time: while that holds back an answer about
        # partitions without news, as Faust has it for 1.5 s, nothing comes of the others either.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - Faust has no setting for it
        return consumer

    async def commit_positions(self, offsets: Mapping[TP, int], generation: int) -> None:
        """Commit, in this thread, as a member of this generation or not at all.

        aiokafka's own commit waits for the coordinator and tries again, in whatever generation the
        group has then; so one of an owner that lost its partitions could still be granted.
        """
        consumer = self._ensure_consumer()
        coordinator = consumer._coordinator  # noqa: SLF001 - its generation is nowhere else
        positions = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(at, "")
            for tp, at in offsets.items()
        }
        while True:
            await coordinator.ensure_coordinator_known()
            # From here to the request nothing is awaited: it carries what is compared.
            if coordinator.generation != generation:
                raise CommitFailedError(f"generation {generation} of the group is over")
            try:
                await coordinator._do_commit_offsets(None, positions)  # noqa: SLF001 - see above
            except KafkaError as error:
                if not error.retriable:
                    raise
                await asyncio.sleep(COMMIT_RETRY_SECONDS)
            else:
                return

    def check(self) -> None:
        """Raise what ended the consumer's part in its group, if something did."""
        consumer = self._consumer
        if consumer is not None:
            consumer._coordinator.check_errors()  # noqa: SLF001 - it tells nobody by itself

    async def committed_position(self, tp: TP) -> int | None:
        """Ask for a committed offset, in this thread."""
        topic_partition = TopicPartition(tp.topic, tp.partition)
        offset: int | None = await self._ensure_consumer().committed(topic_partition)
        return offset


class FoldingConsumer(KafkaConsumer):
    """Faust's Kafka consumer with folds for some topics and stock behaviour for all others."""

    @property
    def _folding(self) -> FoldingApp:
        return cast(FoldingApp, self.app)

    def _is_folded(self, topic: str) -> bool:
        return topic in self._folding.folded_topics

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> AsyncIterator[tuple[TP, Message]]:
        """Fetch, fold, and hand out as long as the flow and the generation stay the same."""
        try:
            records, active = await self._wait_next_records(timeout)
        except KeyError as error:
            # The client drops what it had fetched of partitions that are moving away.
            self.log.info("Fetching again: partitions moved meanwhile (%r)", error)
            await self._seek_back()
            return
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        for tp, fetched in records.items():
            wanted = active is None or tp in active or tp in self._buffered_partitions
            if not wanted:
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            for message in self._messages(tp, fetched):
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                yield tp, message

    def _messages(self, tp: TP, fetched: Sequence[Any]) -> Iterator[ConsumerMessage]:
        if not self._is_folded(tp.topic):
            for record in fetched:
                yield self._to_message(tp, record)
            return
        size = self._folding.fold_records
        for first in range(0, len(fetched), size):
            fold = fetched[first : first + size]
            last = fold[-1]
            yield ConsumerMessage(
                tp.topic,
                tp.partition,
                last.offset,
                last.timestamp / 1000,
                last.timestamp_type,
                [],
                None,
                # Faust types the value as bytes; it only hands it to our schema.
                cast(bytes, fold),
                None,
                tp=tp,
                generation_id=self.app.consumer_generation_id,
            )

    async def _seek_back(self) -> None:
        # What was fetched is dropped while partitions move; the position must go back with it.
        try:
            await self.perform_seek()
        except Exception as error:
            self.log.warning("Cannot seek back while partitions move: %r", error)

    async def perform_seek(self) -> None:
        """Go on at the committed offsets, and folded partitions where their state ends.

        One without a state begins at the beginning, and that must be said: otherwise its position
        would stay after records that were fetched and dropped.
        """
        folded = {tp for tp in self.assignment() if self._is_folded(tp.topic)}
        if folded != self.assignment():
            await super().perform_seek()
        await self._seek_to_state({tp for tp in folded if self._folding.is_open(tp)})

    async def open(self, tp: TP) -> None:
        """Begin to consume a folded partition that was not open until now."""
        await self._seek_to_state({tp})
        self.resume_partitions(self.assignment() & {tp})

    async def go_back(self, tp: TP) -> None:
        """Fetch again what comes after the state of a folded partition."""
        await self._seek_to_state({tp})

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from these partitions again, but for those that are not open yet."""
        super().resume_partitions({tp for tp in tps if self._folding.is_open(tp)})

    async def _seek_to_state(self, tps: set[TP]) -> None:
        for tp in tps & self.assignment():
            # An offset that expired makes the client go to the earliest one.
            offset = self._folding.position(tp) or 0
            try:
                await self.seek(tp, offset)
            except IllegalStateError:
                # Assigned anew meanwhile; that ends with a seek of its own.
                self.log.info("Partition %s moved before it could be sought", tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the application save its state while the partitions are still its own."""
        if revoked and not self.app.should_stop:
            self.stop_flow()
            await self._folding.before_revocation()
        await super().on_partitions_revoked(revoked)

    async def commit_positions(self, offsets: Mapping[TP, int], generation: int) -> None:
        """Commit the next offsets of folded partitions, owned in this generation of the group.

        Raises:
            KafkaError: the brokers refused, as they do where the partitions belong to others now.
        """
        await self._in_thread(self._own_thread.commit_positions(offsets, generation))

    def check(self) -> None:
        """See that the consumer still takes part in its group.

        Raises:
            KafkaError: it does not, for this reason, and will not again.
        """
        self._own_thread.check()

    async def committed_position(self, tp: TP) -> int | None:
        """The offset committed for a partition; None: there is none."""
        return await self._in_thread(self._own_thread.committed_position(tp))

    async def _in_thread(self, work: Coroutine[Any, Any, T]) -> T:
        # Faust's own queue of calls is short: one that waits for a broker would hold up fetching.
        loop = self._own_thread.thread_loop
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def _new_consumer_thread(self) -> KafkaConsumerThread:
        FetchedRecords.install(self._folding.folded_topics)
        self._own_thread = FoldingConsumerThread(self, loop=self.loop, beacon=self.beacon)
        return self._own_thread


class FoldingTransport(KafkaTransport):
    """Faust's Kafka transport with the folding consumer."""

    Consumer = FoldingConsumer
