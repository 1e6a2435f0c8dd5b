"""Events whose way can be followed from the API to ``/metrics`` while others go the same way.

A probe is a first frame with a value of the dimension ``cdn`` that nothing else has, one per
partition. A partition's records stay in their order and its figures are cumulative, so the n-th
probe of a partition is on ``/metrics`` as soon as the rolling plays of its value say n.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from itertools import count

import aiohttp

from app.partitioner import partition_for
from bench.stack import KEY, Stack
from models.errors import OperatorError

PROBES_PER_SECOND = 20.0
POLL_SECONDS = 0.1
"""Between two looks at ``/metrics``; up to that, a latency is said longer than it was."""

_SEEN_SECONDS = 60.0


class Probes:
    """Sends probes and sees them arrive, for as long as it is told to.

    Args:
        worker: the name of the one whose ``/metrics`` is looked at.
    """

    def __init__(self, stack: Stack, session: aiohttp.ClientSession, worker: str) -> None:
        self.sent = 0
        self._stack = stack
        self._session = session
        self._worker = worker
        partitions = stack.settings.partitions
        longest = max(stack.settings.windows, key=lambda window: window.seconds)
        self._series = re.compile(
            rb'^playvitals_rolling_plays\{(?=.*dimension="cdn")(?=.*window="%b")'
            rb'.*value="probe-(\d+)".*\} (\S+)$' % longest.label.encode(),
            re.M,
        )
        self._sessions = [_keys_of(number, partitions) for number in range(partitions)]
        self._sent_seconds: list[list[float]] = [[] for _ in range(partitions)]
        self._seen = [0] * partitions
        self._latencies: list[float] = []

    async def measure(self, stop: asyncio.Event) -> list[float]:
        """Send probes until ``stop``; the seconds that each took, sorted.

        Raises:
            OperatorError: a probe was refused, or is not on ``/metrics`` a minute after the last.
        """
        self._latencies = []
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_until(stop))
            tasks.create_task(self._see_all(stop))
        return sorted(self._latencies)

    def see(self, body: bytes, now_seconds: float) -> None:
        """Take in what ``/metrics`` says."""
        for name, value in self._series.findall(body):
            partition = int(name)
            for place in range(self._seen[partition], round(float(value))):
                self._latencies.append(now_seconds - self._sent_seconds[partition][place])
            self._seen[partition] = max(self._seen[partition], round(float(value)))

    async def _send_until(self, stop: asyncio.Event) -> None:
        """At a steady pace, whether those before are answered or not."""
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                tasks.create_task(self._send(self.sent % len(self._sessions)))
                self.sent += 1
                with suppress(TimeoutError):
                    async with asyncio.timeout(1 / PROBES_PER_SECOND):
                        await stop.wait()

    async def _send(self, partition: int) -> None:
        event = {
            "event": "playStart",
            "contentId": "probe",
            "sessionId": next(self._sessions[partition]),
            "cdn": f"probe-{partition}",
            "data": {"startupTime": 1},
        }
        headers = {"Authorization": f"Bearer {KEY}"}
        url = f"{self._stack.parts['api'].url}/v1/events"
        self._sent_seconds[partition].append(time.monotonic())
        async with self._session.post(url, json=event, headers=headers) as response:
            if response.status != HTTPStatus.OK:
                raise OperatorError(f"the API refused a probe with {response.status}")

    async def _see_all(self, stop: asyncio.Event) -> None:
        deadline = None
        while deadline is None or sum(self._seen) < self.sent:
            body = await self._stack.metrics(self._session, self._worker)
            self.see(body, time.monotonic())
            if stop.is_set():
                deadline = deadline or time.monotonic() + _SEEN_SECONDS
                if time.monotonic() > deadline:
                    missing = self.sent - sum(self._seen)
                    raise OperatorError(f"{missing} of {self.sent} probes never came to /metrics")
            await asyncio.sleep(POLL_SECONDS)


def _keys_of(partition: int, partitions: int) -> Iterator[str]:
    """Sessions whose events go to a partition."""
    for number in count():
        session = f"probe-session-{number}"
        if partition_for(session.encode(), partitions) == partition:
            yield session
