"""``python -m bench.http_load``: sends batches over many connections, and times every answer.

A process of its own, so that its work is not counted as the API's. Without a rate each connection
sends its next request as soon as it has the answer to the last one. With a rate requests are due at
fixed times, and a latency runs from when the request was due: a server that falls behind is not
asked less for it. A worker behind the server takes a repeated event for a duplicate, so with
``--different`` there can be as many different events as are sent.
"""

import argparse
import asyncio
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import msgspec

from bench.load import Load

LOAD_SECONDS = 60.0
DIFFERENT_EVENTS = 20_000
READY = b"ready\n"
_OK = b"HTTP/1.1 200 "


@dataclass
class Answers:
    """What came back: latencies in seconds, and how many answers were no 200."""

    latencies_seconds: list[float] = field(default_factory=list)
    refused: int = 0


class Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request under way."""

    def __init__(self, requests: "cycle[bytes]", answers: Answers, closed: bool) -> None:
        self._requests = requests
        self._answers = answers
        self._closed_loop = closed
        self._due: deque[float] = deque()
        self._sent_seconds: float | None = None
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request, if nothing else says when."""
        self._transport = cast(asyncio.Transport, transport)
        if self._closed_loop:
            self._send(time.perf_counter())

    def ask(self, due_seconds: float) -> None:
        """Send a request that is due, now or after the one under way."""
        if self._sent_seconds is None:
            self._send(due_seconds)
        else:
            self._due.append(due_seconds)

    def data_received(self, data: bytes) -> None:
        """Take the answer, once it is whole, and go on."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._buffer[:head_end]).lower()
        at = head.index(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < head_end + 4 + length:
            return
        now = time.perf_counter()
        if self._buffer.startswith(_OK) and self._buffer.find(b'"failed":0', head_end) > 0:
            self._answers.latencies_seconds.append(now - cast(float, self._sent_seconds))
        else:
            self._answers.refused += 1
        self._buffer.clear()
        self._sent_seconds = None
        if self._closed_loop:
            self._send(now)
        elif self._due:
            self._send(self._due.popleft())

    def _send(self, due_seconds: float) -> None:
        self._sent_seconds = due_seconds
        cast(asyncio.Transport, self._transport).write(next(self._requests))


def requests_of(
    batch: int, key: str, seed: int, events: int = DIFFERENT_EVENTS, span_seconds: float = 0.0
) -> list[bytes]:
    """HTTP requests with ``batch`` events each, of the load that the worker's benchmark has.

    The ``events`` different ones are of the last minute, or of the ``span_seconds`` from now on.
    """
    end_ms = round(time.time() * 1000 + span_seconds * 1000)
    load = Load(events, span_seconds or LOAD_SECONDS, end_ms, seed)
    values = [value for chunk in load.chunks() for _, value, _ in chunk]
    head = (
        b"POST /v1/events/batch HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    )
    found = []
    for at in range(0, len(values) - batch + 1, batch):
        body = b'{"events":[' + b",".join(values[at : at + batch]) + b"]}"
        found.append(head % (key.encode(), len(body), body))
    return found


async def send(
    host: str, port: int, requests: list[bytes], connections: int, seconds: float, rate: float
) -> Answers:
    """Send for ``seconds``; ``rate`` requests per second, or as many as are answered with 0."""
    answers = Answers()
    source = cycle(requests)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(source, answers, rate == 0.0), host, port)
        for _ in range(connections)
    ]
    protocols = [protocol for _, protocol in opened]
    begin = time.perf_counter()
    if rate:
        sent = 0
        while (now := time.perf_counter() - begin) < seconds:
            while sent < now * rate:
                protocols[sent % connections].ask(begin + sent / rate)
                sent += 1
            await asyncio.sleep(0.001)
    else:
        await asyncio.sleep(seconds)
    for transport, _ in opened:
        transport.abort()
    return answers


def main() -> int:
    """Print one JSON object: requests, events and answers other than 200 per run, latencies."""
    parser = argparse.ArgumentParser(prog="python -m bench.http_load", description=__doc__)
    parser.add_argument("address", help="HOST:PORT of the API")
    parser.add_argument("--key", required=True)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests per second; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--different",
        action="store_true",
        help="repeat no event at this rate; say when ready, and begin at a line of standard input",
    )
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    if options.different:
        events = round(options.rate * options.seconds + 1) * options.batch
        requests = requests_of(
            options.batch, options.key, options.seed, events, span_seconds=options.seconds
        )
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        sys.stdin.readline()
    else:
        requests = requests_of(options.batch, options.key, options.seed)
    begin, cpu_before = time.perf_counter(), time.process_time()
    work = send(host, int(port), requests, options.connections, options.seconds, options.rate)
    if sys.platform == "win32":
        answers = asyncio.run(work)
    else:
        import uvloop

        answers = uvloop.run(work)
    seconds = time.perf_counter() - begin
    latencies = sorted(answers.latencies_seconds) or [0.0]
    report = {
        "requests": len(answers.latencies_seconds),
        "refused": answers.refused,
        "seconds": round(seconds, 3),
        "own_cpu_seconds": round(time.process_time() - cpu_before, 3),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
    }
    print(msgspec.json.encode(report).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
