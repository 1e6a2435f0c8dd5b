"""A client of the events API that sends like a well-behaved SDK: the same bytes until taken."""

import asyncio
import gzip
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from models.errors import OperatorError
from models.validation import read_event
from models.verdicts import Refusal

MAX_BATCH_EVENTS = 100
MAX_BATCH_BYTES = 900_000

# 429: over the rate limit; 502 and 504: a proxy without its API; 503: the broker is away.
_RATE_LIMITED = 429
RETRYABLE_STATUSES = frozenset((_RATE_LIMITED, 502, 503, 504))
RETRYABLE_ERRORS = (
    aiohttp.ClientConnectionError,  # refused, reset, or gone in the middle of an answer
    aiohttp.ClientPayloadError,  # the answer was cut off: whether it counted is unknown
    TimeoutError,
)
# The request itself is unusable, so each of its events has to be looked at alone.
_UNUSABLE_STATUSES = frozenset((400, 413))
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)


class ApiUnavailableError(OperatorError):
    """The API did not take a request for as long as it was tried."""


@dataclass(slots=True)
class Outcome:
    """What the API did with some events."""

    received: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Outcome") -> None:
        """Count ``other`` in."""
        self.received += other.received
        self.refused.update(other.refused)


class EventsClient:
    """Posts events and retries until they are durable.

    ``retry_seconds`` bounds the retries of one request, counted from its first failure. Waiting
    until the API's rate limit lets it go on does not count.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry_seconds: float,
        connections: int,
        compress: bool = False,
    ) -> None:
        self._url = url.rstrip("/")
        self._retry_seconds = retry_seconds
        self._connections = connections
        self._compress = compress
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if compress:
            self._headers["Content-Encoding"] = "gzip"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            headers=self._headers,
            timeout=_TIMEOUT,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send_batch(self, events: Sequence[bytes], sent_at: str | None = None) -> Outcome:
        """Send JSON objects as one batch; ``sent_at`` is the client's clock, ISO 8601.

        Raises:
            ApiUnavailableError: the API could not be reached in time.
            OperatorError: it refuses this client, for example for its key.
        """
        envelope = b'{"events":[' + b",".join(events) + b"]"
        if sent_at is not None:
            envelope += b',"sentAt":' + msgspec.json.encode(sent_at)
        status, answer = await self._post("/v1/events/batch", envelope + b"}")
        if status == 200:
            refused = Counter(
                _reason(events[error["index"]], sent_at, error["code"])
                for error in answer["data"]["errors"]
            )
            return Outcome(answer["data"]["received"], refused)
        outcome = Outcome()
        for event in events:
            outcome.add(await self.send_one(event))
        return outcome

    async def send_one(self, event: bytes) -> Outcome:
        """Send one event, whatever it is; raises as :meth:`send_batch` does."""
        status, answer = await self._post("/v1/events", event)
        if status == 200:
            return Outcome(1)
        return Outcome(0, Counter([_reason(event, None, answer["error"]["code"])]))

    async def _post(self, path: str, body: bytes) -> tuple[int, Any]:
        if self._session is None:
            raise RuntimeError("use the client as a context manager")
        if self._compress:
            body = gzip.compress(body, compresslevel=1)
        deadline: float | None = None
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            status, asked_seconds = 0, None
            try:
                async with self._session.post(self._url + path, data=body) as response:
                    text = await response.read()
                    status = response.status
                    if status not in RETRYABLE_STATUSES:
                        return status, self._answer(status, text)
                    asked_seconds = _seconds(response.headers.get("Retry-After"))
                    why = f"answered {status}"
            except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
                raise OperatorError(f"{self._url}: not a usable URL") from error
            except RETRYABLE_ERRORS as error:
                why = str(error) or type(error).__name__
            now = time.monotonic()
            deadline = deadline or now + self._retry_seconds
            wait_seconds = pause_seconds if asked_seconds is None else asked_seconds
            if status == _RATE_LIMITED and asked_seconds is not None:
                # The API is well and says when it goes on: that is no time of trying in vain.
                deadline = None
            elif now + wait_seconds > deadline:
                raise ApiUnavailableError(
                    f"the events API at {self._url} took nothing for {self._retry_seconds:g} s "
                    f"({why}); is it running?"
                )
            # Spread, so that many clients do not come back at the same moment.
            await asyncio.sleep(wait_seconds * random.uniform(1.0, 1.2))  # noqa: S311 - no secret
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _answer(self, status: int, text: bytes) -> Any:
        try:
            answer = msgspec.json.decode(text)
            if status == 200 or status in _UNUSABLE_STATUSES:
                answer["data" if status == 200 else "error"]
                return answer
            why = f"{answer['error']['code']}: {answer['error']['message']}"
        except (msgspec.DecodeError, KeyError, TypeError):
            why = "which is no answer of a playvitals API"
        raise OperatorError(f"the events API at {self._url} answered {status}, {why}")


def _reason(event: bytes, sent_at: str | None, code: str) -> str:
    """Why the API refused an event: the rule that it broke, or else the answer's code.

    The answer to a batch names no rules, but the rules are the same on both sides.
    """
    verdict = read_event(event, time.time_ns() // 1_000_000, sent_at)
    return verdict.reason if isinstance(verdict, Refusal) else code


def _seconds(written: str | None) -> float | None:
    return float(written) if written is not None and written.isdecimal() else None
