"""Lines to the events API, in batches."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from zlib import crc32

from app.events_client import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, EventsClient, Outcome
from app.replay.lines import Line
from app.replay.summary import Summary
from models.errors import OperatorError

LANES = 4


@asynccontextmanager
async def api_target(
    url: str, key: str, summary: Summary, retry_seconds: float
) -> AsyncIterator["ApiTarget"]:
    """A target that posts to the events API at ``url``."""
    async with EventsClient(url, key, retry_seconds=retry_seconds, connections=LANES) as client:
        target = ApiTarget(client, summary)
        try:
            yield target
        finally:
            await target.close()


class Sender(Protocol):
    """What this needs of :class:`app.events_client.EventsClient`."""

    async def send_batch(self, events: Sequence[bytes], sent_at: str | None = None) -> Outcome:
        """Send JSON objects as one batch until they are durable or refused."""

    async def send_one(self, event: bytes) -> Outcome:
        """Send one event, whatever it is."""


class _Lane:
    """The lines of some keys: one request in flight, the next one filling up."""

    __slots__ = ("batch", "batch_bytes", "in_flight")

    def __init__(self) -> None:
        self.batch: list[Line] = []
        self.batch_bytes = 0
        self.in_flight: asyncio.Task[None] | None = None


class ApiTarget:
    """Posts lines in batches of up to 100, those of one key in file order.

    What is no JSON object cannot stand in a batch and goes alone, for the API to refuse.
    """

    def __init__(self, client: Sender, summary: Summary) -> None:
        self._client = client
        self._summary = summary
        self._lanes = tuple(_Lane() for _ in range(LANES))
        self._lane = self._lanes[0]

    async def send(self, line: Line) -> None:
        """Put one line into its lane; waits where the lane's request before is still on its way."""
        if line.key is not None:
            self._lane = self._lanes[crc32(line.key.encode()) % LANES]
        lane = self._lane
        self._summary.sent += 1
        alone = not line.is_object or len(line.raw) > MAX_BATCH_BYTES
        if alone or lane.batch_bytes + len(line.raw) > MAX_BATCH_BYTES:
            await self._dispatch(lane)
        lane.batch.append(line)
        lane.batch_bytes += len(line.raw)
        if alone or len(lane.batch) >= MAX_BATCH_EVENTS:
            await self._dispatch(lane)

    async def tick(self, time_ms: int) -> None:
        """The API takes no ticks."""
        raise OperatorError("ticks go to the raw topic only")

    async def flush(self) -> None:
        """Send what is waiting and wait for every answer."""
        for lane in self._lanes:
            await self._dispatch(lane)
        for lane in self._lanes:
            await self._settle(lane)

    async def close(self) -> None:
        """Stop what is still on its way, after a failure."""
        tasks = [lane.in_flight for lane in self._lanes if lane.in_flight is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _dispatch(self, lane: _Lane) -> None:
        await self._settle(lane)
        if lane.batch:
            lane.in_flight = asyncio.create_task(self._post(lane.batch))
            lane.batch = []
            lane.batch_bytes = 0

    async def _settle(self, lane: _Lane) -> None:
        if lane.in_flight is not None:
            await lane.in_flight
            lane.in_flight = None

    async def _post(self, lines: Sequence[Line]) -> None:
        outcome: Outcome
        if len(lines) == 1 and not lines[0].is_object:
            outcome = await self._client.send_one(lines[0].raw)
        else:
            outcome = await self._client.send_batch([line.raw for line in lines])
        self._summary.received += outcome.received
        self._summary.refused.update(outcome.refused)
