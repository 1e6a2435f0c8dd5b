import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from app.api.application import create_api
from app.settings import load_settings
from models.errors import BrokerUnavailableError


@dataclass
class FakeSink:
    """A raw topic in memory; ``away`` makes it refuse, ``stuck`` makes it never answer."""

    records: list[tuple[str, int, bytes | None, bytes | None, int | None]] = field(
        default_factory=list
    )
    away: bool = False
    stuck: bool = False

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
    ) -> "asyncio.Future[None]":
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.away:
            acknowledged.set_exception(BrokerUnavailableError("away"))
        elif not self.stuck:
            self.records.append((topic, partition, key, value, timestamp_ms))
            acknowledged.set_result(None)
        return acknowledged

    async def partition_count(self, topic: str) -> int:
        return 12

    async def is_reachable(self, topic: str) -> bool:
        return not self.away


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
async def client(sink: FakeSink) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API with the demo keys; the broker gives up after a tenth of a second."""
    settings = load_settings(
        {
            "PLAYVITALS_CORS_ORIGINS": "https://app.example",
            "PLAYVITALS_BROKER_TIMEOUT_SECONDS": "0.1",
            "PLAYVITALS_RATE_LIMIT_PER_MINUTE": "1000",
        }
    )
    transport = httpx.ASGITransport(create_api(settings, sink))
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://api",
        headers={"Authorization": "Bearer pk_test_demo", "Content-Type": "application/json"},
    ) as client:
        yield client
