import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.events_client import MAX_BATCH_BYTES, Outcome
from app.replay.lines import Line, read_line
from app.replay.running import Plan, replay
from app.replay.summary import Summary
from app.replay.to_api import ApiTarget


class FakeClient:
    """Takes everything but what is no JSON; answers of one request overtake those of others."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.alone: list[bytes] = []
        self.received: list[bytes] = []

    async def send_batch(self, events: Sequence[bytes], sent_at: str | None = None) -> Outcome:
        self.batches.append(list(events))
        for _ in range(len(self.batches) % 3):
            await asyncio.sleep(0)
        self.received += events
        return Outcome(len(events))

    async def send_one(self, event: bytes) -> Outcome:
        self.alone.append(event)
        return Outcome(0, Counter(["malformed"]))


async def run(lines: list[Line]) -> tuple[FakeClient, Summary]:
    client, summary = FakeClient(), Summary()
    target = ApiTarget(client, summary)
    try:
        await replay(lines, Plan(), target, summary)
    finally:
        await target.close()
    return client, summary


def event(number: int, session: int) -> Line:
    fields = {"event": "like", "contentId": f"c{number}", "sessionId": f"s{session}"}
    return read_line(json.dumps(fields).encode())


@given(st.lists(st.integers(0, 9), max_size=700))
def test_each_key_arrives_whole_and_in_order(sessions: list[int]) -> None:
    lines = [event(number, session) for number, session in enumerate(sessions)]
    client, summary = asyncio.run(run(lines))
    sent, received = defaultdict(list), defaultdict(list)
    for line in lines:
        sent[line.key].append(line.raw)
    for raw in client.received:
        received[read_line(raw).key].append(raw)
    assert received == sent
    assert all(1 <= len(batch) <= 100 for batch in client.batches)
    assert (summary.sent, summary.received) == (len(lines), len(lines))


async def test_batches_are_filled() -> None:
    client, _ = await run([event(number, 1) for number in range(250)])
    assert [len(batch) for batch in client.batches] == [100, 100, 50]


async def test_what_is_no_object_goes_alone_and_counts_as_refused() -> None:
    lines = [event(1, 1), read_line(b"no json"), read_line(b"[]"), event(2, 1)]
    client, summary = await run(lines)
    assert client.alone == [b"no json", b"[]"]
    assert (summary.sent, summary.received) == (4, 2)
    assert summary.refused == {"malformed": 2}


async def test_batch_stays_under_the_limit_of_the_body() -> None:
    large = Line(b'{"x":"%b"}' % (b"x" * 300_000), "s", None, True)
    larger = Line(b'{"x":"%b"}' % (b"x" * MAX_BATCH_BYTES), "s", None, True)
    client, summary = await run([large, large, large, large, larger, large])
    assert [len(batch) for batch in client.batches] == [2, 2, 1, 1]
    assert summary.received == 6
