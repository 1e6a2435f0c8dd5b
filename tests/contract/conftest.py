import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import ASGIApp

from app.api.application import create_api
from app.live.feeds import LiveFeeds
from app.settings import Settings, load_settings
from models.errors import BrokerUnavailableError
from tests.support.live import FakeReader, fed


@dataclass
class FakeSink:
    """A raw topic in memory; ``away`` makes it refuse, ``stuck`` makes it never answer."""

    records: list[tuple[str, int, bytes | None, bytes | None, int | None]] = field(
        default_factory=list
    )
    away: bool = False
    stuck: bool = False

    def append_all(
        self,
        topic: str,
        records: Iterable[tuple[int, bytes | None, bytes | None]],
        timestamp_ms: int,
    ) -> "asyncio.Future[None]":
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.away:
            acknowledged.set_exception(BrokerUnavailableError("away"))
        elif not self.stuck:
            self.records += [(topic, *record, timestamp_ms) for record in records]
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
def settings() -> Settings:
    """The demo keys; the broker gives up after a tenth of a second."""
    return load_settings(
        {
            "PLAYVITALS_CORS_ORIGINS": "https://app.example",
            "PLAYVITALS_BROKER_TIMEOUT_SECONDS": "0.1",
            "PLAYVITALS_RATE_LIMIT_PER_MINUTE": "1000",
            "PLAYVITALS_LIVE_STREAMS": "2",
        }
    )


@pytest.fixture
def reader() -> FakeReader:
    """The reader of the feeds; a test says whether they are current."""
    return FakeReader()


@pytest.fixture
def feeds(settings: Settings, reader: FakeReader) -> LiveFeeds:
    """The feeds of the live figures, which a test fills."""
    return fed(settings, reader)


@pytest.fixture
def app(settings: Settings, sink: FakeSink, feeds: LiveFeeds) -> ASGIApp:
    return create_api(settings, sink, feeds)


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API with a publishable key."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://api",
        headers={"Authorization": "Bearer pk_test_demo", "Content-Type": "application/json"},
    ) as client:
        yield client
