from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

import msgspec

from app.events_client import Outcome
from app.viewers.model import viewer_events
from app.viewers.sender import BATCH_EVENTS, FLUSH_SECONDS, Tally, Time, send_audience, send_viewer
from models.timestamps import parse_timestamp_ms

BASE_MS = 1_767_323_045_000


class SkippingTime(Time):
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> int:
        return BASE_MS + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class RecordingClient:
    """Takes all but the likes."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[bytes], str | None]] = []

    async def send_batch(self, events: Sequence[bytes], sent_at: str | None = None) -> Outcome:
        self.batches.append((list(events), sent_at))
        likes = sum(b'"event":"like"' in event for event in events)
        return Outcome(len(events) - likes, Counter({"VALIDATION_ERROR": likes} if likes else {}))

    def events(self) -> list[bytes]:
        return [event for events, _ in self.batches for event in events]


async def test_viewer_sends_every_event_once_and_in_order() -> None:
    client, tally, clock = RecordingClient(), Tally(), SkippingTime()
    until_ms = 120_000
    model = list(takewhile(lambda e: e[0] < until_ms, viewer_events(3, 0, BASE_MS)))
    await send_viewer(iter(model), client, tally, started_seconds=0.0, clock=clock)
    assert client.events() == [msgspec.json.encode(event) for _, event in model]
    assert tally.sent == len(model)
    assert tally.received + tally.refused.total() == tally.sent


async def test_event_waits_no_longer_than_the_flush_time() -> None:
    client, clock = RecordingClient(), SkippingTime()
    await send_audience(client, Tally(), viewers=1, seed=3, seconds=120, incident=None, clock=clock)
    for events, sent_at in client.batches:
        assert 1 <= len(events) <= BATCH_EVENTS
        assert sent_at is not None
        sent_ms = parse_timestamp_ms(sent_at)
        oldest_ms = parse_timestamp_ms(msgspec.json.decode(events[0])["timestamp"])
        assert sent_ms is not None
        assert oldest_ms is not None
        assert 0 <= sent_ms - oldest_ms <= FLUSH_SECONDS * 1000 + 1


async def test_audience_ends_after_its_seconds() -> None:
    client, tally = RecordingClient(), Tally()
    await send_audience(
        client, tally, viewers=20, seed=3, seconds=30, incident=None, clock=SkippingTime()
    )
    times = [parse_timestamp_ms(msgspec.json.decode(e)["timestamp"]) or 0 for e in client.events()]
    assert len({msgspec.json.decode(event)["sessionId"] for event in client.events()}) >= 20
    assert BASE_MS + 25_000 < max(times) < BASE_MS + 30_000 + FLUSH_SECONDS * 20_000
    assert tally.sent == len(times)
