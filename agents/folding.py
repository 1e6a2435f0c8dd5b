"""Folded fetches for Faust: up to a thousand consecutive records of a partition as one message.

Faust's cost is per message and not per byte, so a topic that carries every event is folded at the
consumer. Its offsets are the application's business: Faust's own bookkeeping would misread them,
so acknowledging a folded message only releases it, and after a rebalance a folded partition goes
on from where its state ends.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, cast

import faust
from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.transport.drivers.aiokafka import Transport as KafkaTransport
from faust.types import TP, ConsumerMessage, Message
from faust.types.tuples import ack_lock
from mode.utils.futures import notify

from tables.partition import Record

Position = Callable[[TP], int | None]
Fold = Sequence[Record]


class FoldingApp(faust.App):
    """A Faust app that folds the topics it is told to.

    ``position`` names the next offset wanted of a folded partition, or None: from its beginning.
    """

    folded_topics: frozenset[str] = frozenset()
    fold_records: int = 1000
    position: Position = staticmethod(lambda _: None)

    def _new_transport(self) -> Any:
        return FoldingTransport(self.conf.broker_consumer, self)


class FoldSchema(faust.Schema[Any, Any]):
    """Hands a fold through as it is: decoding is the agent's, record by record."""

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The list of records that the message carries."""
        return message.value


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
        records, active = await self._wait_next_records(timeout)
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
            message = self._to_message(tp, fold[-1])
            # Faust types the value as bytes; it only hands it to our schema.
            message.value = cast(bytes, fold)
            yield message

    async def _seek_back(self) -> None:
        # What was fetched is dropped while partitions move; the position must go back with it.
        try:
            await self.perform_seek()
        except Exception as error:
            self.log.warning("Cannot seek back while the flow is stopped: %r", error)

    async def perform_seek(self) -> None:
        """Go on at the committed offsets, and folded partitions where their state ends.

        One without a state begins at the beginning, and that must be said: nothing is committed
        for it, so its position would stay after records that were fetched and dropped.
        """
        await super().perform_seek()
        beginning = []
        for tp in self.assignment():
            if self._is_folded(tp.topic):
                offset = self._folding.position(tp)
                if offset is None:
                    beginning.append(tp)
                else:
                    await self.seek(tp, offset)
        if beginning:
            for tp, offset in (await self.earliest_offsets(*beginning)).items():
                await self.seek(tp, offset)

    def ack(self, message: Message) -> bool:
        """Release a folded message; offsets are not Faust's business."""
        if not self._is_folded(message.topic):
            return super().ack(message)
        with ack_lock:
            if message.acked:
                return False
            message.acked = True
            self._unacked_messages.discard(message)
            notify(self._waiting_for_ack)
            return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if not self._is_folded(tp.topic):
            await super()._add_gap(tp, offset_from, offset_to)


class FoldingTransport(KafkaTransport):
    """Faust's Kafka transport with the folding consumer."""

    Consumer = FoldingConsumer
