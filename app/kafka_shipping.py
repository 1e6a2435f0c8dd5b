"""Ships the batches of all partitions: one request per broker and departure, failures again."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from aiokafka.errors import KafkaError, UnknownError, UnknownTopicOrPartitionError

from app.kafka_batches import Batch, Lane
from app.kafka_producer import CONNECTION_ERRORS, Producer

_RESEND_SECONDS = 0.1
_UNSAID = UnknownError("the answer says nothing of this partition")

log = logging.getLogger(__name__)

Load = tuple[Lane, Batch]


Settle = Callable[[Batch, Exception | None], None]
"""Takes what became of a batch: None, the brokers have it for good; else why it failed."""


class Shipping:
    """Takes what waits in the lanes to the brokers that lead their partitions.

    Args:
        lanes: all there are, whenever it is called.
        linger_seconds: before each departure. What a request costs hardly depends on what is in
            it, so this bounds the cost of requests.
    """

    def __init__(
        self, lanes: Callable[[], Iterable[Lane]], linger_seconds: float, settle: Settle
    ) -> None:
        self._lanes = lanes
        self._linger_seconds = linger_seconds
        self._settle = settle
        self._work = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may be waiting."""
        self._work.set()

    async def run(self, producer: Producer) -> None:
        """Ship until cancelled."""
        try:
            while True:
                await self._work.wait()
                await asyncio.sleep(self._linger_seconds)
                self._work.clear()
                self._depart(producer, self._lanes())
        finally:
            requests = list(self._requests)
            for request in requests:
                request.cancel()
            await asyncio.gather(*requests, return_exceptions=True)

    def _depart(self, producer: Producer, lanes: Iterable[Lane]) -> None:
        """Send the next batch of every lane that has one and waits for none."""
        loads: dict[int, list[Load]] = {}
        for lane in lanes:
            if lane.is_ready:
                load = lane, lane.take()
                leader = producer.leader_of(lane.topic, lane.partition)
                if leader is None:
                    self._begin(self._find_leader(producer, load))
                else:
                    loads.setdefault(leader, []).append(load)
        for leader, together in loads.items():
            self._begin(self._deliver(producer, leader, together))

    def _begin(self, request: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(request)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _deliver(self, producer: Producer, leader: int, loads: Sequence[Load]) -> None:
        again: list[Load] = []
        for (lane, batch), error in (await self._send(producer, leader, loads)).items():
            if error is not None and _may_pass(error):
                batch.trouble = repr(error)
                again.append((lane, batch))
            else:
                self._settle(batch, error)
        # What is full already need not wait for company.
        self._depart(producer, [lane for lane, _ in loads if lane.is_behind])
        if any(lane.is_ready for lane, _ in loads):
            self.wake()
        if again:
            lane, batch = again[0]
            log.info(
                "%d batches, that of %s-%s among them, are sent again: %s",
                *(len(again), lane.topic, lane.partition, batch.trouble),
            )
            await self._put_back(again, _RESEND_SECONDS)

    async def _send(
        self, producer: Producer, leader: int, loads: Sequence[Load]
    ) -> dict[Load, Exception | None]:
        """What became of each batch."""
        try:
            verdicts = await producer.send(
                leader, [(lane.topic, lane.partition, batch.built()) for lane, batch in loads]
            )
        except Exception as error:
            return dict.fromkeys(loads, error)
        return {load: verdicts.get((load[0].topic, load[0].partition), _UNSAID) for load in loads}

    async def _find_leader(self, producer: Producer, load: Load) -> None:
        lane, batch = load
        try:
            await producer.look_up(lane.topic, lane.partition)
        except Exception as error:
            # Whoever creates a missing topic may take longer than anybody wants to wait.
            if isinstance(error, UnknownTopicOrPartitionError) or not _may_pass(error):
                self._settle(batch, error)
                if lane.is_ready:
                    self.wake()
                return
            batch.trouble = repr(error)
        is_known = producer.leader_of(lane.topic, lane.partition) is not None
        await self._put_back([load], 0.0 if is_known else _RESEND_SECONDS)

    async def _put_back(self, loads: Sequence[Load], pause_seconds: float) -> None:
        await asyncio.sleep(pause_seconds)
        for lane, batch in loads:
            if batch is lane.under_way:
                lane.put_back()
        self.wake()


def _may_pass(error: Exception) -> bool:
    """Whether the same request may be taken later. Logs what nobody expects."""
    if not isinstance(error, CONNECTION_ERRORS):
        # A record whose future never resolves would be worse than any error.
        log.error("Writing to Kafka failed", exc_info=error)
    return isinstance(error, KafkaError) and bool(error.retriable)
