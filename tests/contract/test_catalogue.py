"""The API where a content catalogue says what events may be about."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from app.api.application import create_api
from app.live.feeds import LiveFeeds
from app.settings import Settings
from models.catalogue import Catalogue
from tests.contract.conftest import FakeSink
from tests.contract.test_events_api import BATCH, EVENT, SINGLE, code_of


@dataclass(eq=False)
class FakeContents:
    """A catalogue that was read, or not, as a test says."""

    is_read: bool = True
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(10))

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("playvitals_catalogue_contents", "", value=len(self.catalogue))


@pytest.fixture
def contents() -> FakeContents:
    found = FakeContents()
    found.catalogue.put(str(EVENT["contentId"]))
    return found


@pytest.fixture
async def client(
    settings: Settings, sink: FakeSink, feeds: LiveFeeds, contents: FakeContents
) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_api(settings, sink, feeds, contents)),
        base_url="http://api",
        headers={"Authorization": "Bearer pk_test_demo"},
    ) as client:
        yield client


async def test_event_about_a_content_of_the_catalogue_is_received(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    assert (await client.post(SINGLE, json=EVENT)).status_code == 200
    assert len(sink.records) == 1


async def test_event_about_another_content_is_refused_and_the_message_names_it(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    answer = await client.post(SINGLE, json={**EVENT, "contentId": "clip-9"})
    assert (answer.status_code, code_of(answer)) == (400, "VALIDATION_ERROR")
    details = answer.json()["error"]["details"]["errors"]
    assert [(fault["reason"], fault["field"]) for fault in details] == [
        ("unknown_content", "contentId")
    ]
    assert "'clip-9' is not in the content catalogue" in details[0]["message"]
    assert sink.records == []


async def test_of_a_batch_only_events_about_other_contents_are_refused(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    events = [EVENT, {**EVENT, "contentId": "clip-9"}]
    data = (await client.post(BATCH, json={"events": events})).json()["data"]
    assert (data["received"], data["failed"]) == (1, 1)
    assert data["errors"][0]["index"] == 1
    assert data["errors"][0]["field"] == "contentId"
    assert len(sink.records) == 1


async def test_nothing_is_judged_before_the_catalogue_is_read(
    client: httpx.AsyncClient, sink: FakeSink, contents: FakeContents
) -> None:
    contents.is_read = False
    for answer in (await client.post(SINGLE, json=EVENT), await client.get("/readyz")):
        assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
        assert "catalogue" in answer.json()["error"]["message"]
        assert int(answer.headers["retry-after"]) > 0
    assert sink.records == []
    contents.is_read = True
    assert (await client.post(SINGLE, json=EVENT)).status_code == 200
    assert (await client.get("/readyz")).status_code == 200


async def test_metrics_have_the_size_of_the_catalogue(client: httpx.AsyncClient) -> None:
    assert "\nplayvitals_catalogue_contents 1.0\n" in (await client.get("/metrics")).text
