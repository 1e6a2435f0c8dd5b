"""Sends what the viewers do, when they do it, as the SDK inside a player would."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from app.events_client import Outcome
from app.viewers.catalogue import Catalogue
from app.viewers.incidents import Incident
from app.viewers.model import TimedEvent, viewer_events
from models.timestamps import format_timestamp

FLUSH_SECONDS = 2.0
BATCH_EVENTS = 20

_encode = msgspec.json.encode


class BatchClient(Protocol):
    """Where batches go: :class:`app.events_client.EventsClient`."""

    async def send_batch(self, events: Sequence[bytes], sent_at: str | None = None) -> Outcome:
        """Send one batch and retry until it is durable or refused."""


@dataclass(slots=True)
class Tally:
    """What all viewers sent so far. ``sent`` less the other two is on its way."""

    sent: int = 0
    received: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Time:
    """The two clocks of a sender, and waiting. A test passes its own."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the viewer's device has it."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def send_viewer(
    events: Iterator[TimedEvent],
    client: BatchClient,
    tally: Tally,
    *,
    started_seconds: float,
    clock: Time,
) -> None:
    """Send one viewer's events for as long as there are any.

    They wait at most 2 s to fill a batch. While a batch is being retried the next events wait
    behind it, as on a phone without a network: order is kept and nothing is lost.
    """
    batch: list[bytes] = []
    flush_at = 0.0

    async def sleep_until(moment: float) -> None:
        wait_seconds = moment - clock.monotonic()
        if wait_seconds > 0:
            await clock.sleep(wait_seconds)

    async def flush() -> None:
        nonlocal batch
        sending, batch = batch, []
        tally.sent += len(sending)
        outcome = await client.send_batch(sending, format_timestamp(clock.now_ms()))
        tally.received += outcome.received
        tally.refused.update(outcome.refused)

    for offset_ms, event in events:
        due = started_seconds + offset_ms / 1000
        if batch and flush_at <= due:
            await sleep_until(flush_at)
            await flush()
        await sleep_until(due)
        if not batch:
            flush_at = due + FLUSH_SECONDS
        batch.append(_encode(event))
        if len(batch) >= BATCH_EVENTS:
            await flush()
    if batch:
        await flush()


async def send_audience(
    client: BatchClient,
    tally: Tally,
    *,
    viewers: int,
    seed: int,
    seconds: float | None,
    incident: Incident | None,
    clock: Time | None = None,
) -> None:
    """Send the events of ``viewers`` viewers in real time, for ``seconds`` or without end."""
    clock = clock or Time()
    catalogue = Catalogue(seed)
    base_ms, started_seconds = clock.now_ms(), clock.monotonic()

    async def send(number: int) -> None:
        events = viewer_events(seed, number, base_ms, catalogue=catalogue, incident=incident)
        await send_viewer(
            _until(events, seconds), client, tally, started_seconds=started_seconds, clock=clock
        )

    async with asyncio.TaskGroup() as tasks:
        for number in range(viewers):
            tasks.create_task(send(number))


def _until(events: Iterator[TimedEvent], seconds: float | None) -> Iterator[TimedEvent]:
    for timed in events:
        if seconds is not None and timed[0] >= seconds * 1000:
            return
        yield timed
