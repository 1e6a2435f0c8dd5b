"""What the brokers have not acknowledged yet: its bytes, its deadlines, and its end."""

import asyncio

from app.kafka_batches import Batch, Lane
from models.errors import BrokerUnavailableError


class Pending:
    """The batches that are open, waiting or under way.

    Args:
        timeout_seconds: after so long a batch has failed.
        max_bytes: what :meth:`wait_room` holds callers to.
    """

    def __init__(self, bootstrap_servers: str, timeout_seconds: float, max_bytes: int) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        # In the order of their deadlines, which one timer watches: one each would cost more than
        # the records in them.
        self._lanes: dict[Batch, Lane] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._failure: BrokerUnavailableError | None = None
        self._room = asyncio.Event()
        self.bytes = 0

    def add(self, batch: Batch, lane: Lane) -> None:
        """Watch a batch; its deadline is no earlier than those of the others."""
        self._lanes[batch] = lane
        if self._expiry is None:
            self._expiry = self._loop.call_at(batch.deadline, self._expire)

    def settle(self, batch: Batch, error: Exception | None) -> None:
        """A batch is acknowledged, or has failed for good."""
        lane = self._lanes.get(batch)
        if lane is not None:
            self._end(lane, batch, None if error is None else self._refusal(lane, repr(error)))

    def fail_all(self, why: str) -> None:
        """Give up on everything."""
        for batch, lane in list(self._lanes.items()):
            self._end(lane, batch, BrokerUnavailableError(why))
        if self._expiry is not None:
            self._expiry.cancel()

    async def wait(self, timeout_seconds: float | None = None) -> None:
        """Return at the end of what is pending now, without cancelling what others wait for."""
        futures = [batch.acknowledged for batch in self._lanes]
        if futures:
            await asyncio.wait(futures, timeout=timeout_seconds)

    async def wait_room(self) -> None:
        """Return once the bytes are under the limit."""
        while self.bytes >= self._max_bytes:
            self._room.clear()
            await self._room.wait()

    def take_failure(self) -> BrokerUnavailableError | None:
        """Why a batch failed since this was asked last."""
        failure, self._failure = self._failure, None
        return failure

    def _expire(self) -> None:
        self._expiry = None
        now = self._loop.time()
        for batch, lane in list(self._lanes.items()):
            if batch.deadline > now:
                self._expiry = self._loop.call_at(batch.deadline, self._expire)
                return
            why = f"no answer within {self._timeout_seconds:g} s"
            if batch.trouble is not None:
                why += f", at last {batch.trouble}"
            self._end(lane, batch, self._refusal(lane, why))

    def _refusal(self, lane: Lane, why: str) -> BrokerUnavailableError:
        place = f"{lane.topic}-{lane.partition}"
        return BrokerUnavailableError(
            f"{place} was not acknowledged by {self._bootstrap_servers}: {why}"
        )

    def _end(self, lane: Lane, batch: Batch, error: BrokerUnavailableError | None) -> None:
        del self._lanes[batch]
        lane.drop(batch)
        self.bytes -= batch.bytes
        if self.bytes < self._max_bytes:
            self._room.set()
        if error is not None:
            self._failure = error
        batch.settle(error)
