"""Every query of every dashboard, asked of a Prometheus that scrapes the whole stack under load.

The load is the demo's, with its spike on ``cdn-b``, and beside it what the demo does not do:
views that fail, events and requests that are refused, and records that only the worker refuses.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from app.events_client import EventsClient
from app.settings import Settings, load_settings
from app.supervisor import running_stack
from app.viewers.sender import Tally, send_audience
from app.viewers.stories import rebuffer_spike
from tests.integration.conftest import EnvironFor
from tests.support.grafana import Dashboard, PanelQuery, all_dashboards, label_query
from tests.support.prometheus import (
    SKIP_REASON,
    Prometheus,
    Sample,
    missing_prometheus,
    running_prometheus,
    scrape_config,
)
from tests.support.waiting import until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(missing_prometheus(), reason=SKIP_REASON),
]

VIEWERS = 80
WINDOW = "1m"
RATE_INTERVAL = "15s"
RANGE_SECONDS = 60.0
STEP_SECONDS = 5.0
PUBLISHABLE = {"Authorization": "Bearer pk_test_demo"}
SECRET = {"Authorization": "Bearer sk_test_demo"}


@dataclass(frozen=True)
class Asked:
    """A query as Grafana sends it, and where it comes from."""

    panel: str
    promql: str
    instant: bool

    async def answer(self, prometheus: Prometheus) -> list[Sample]:
        if self.instant:
            return await prometheus.query(self.promql)
        now = time.time()
        return await prometheus.query_range(
            self.promql,
            start_seconds=now - RANGE_SECONDS,
            end_seconds=now,
            step_seconds=STEP_SECONDS,
        )


def has_figures(samples: Sequence[Sample]) -> bool:
    """Whether anything would be seen: a series without a number is drawn as nothing."""
    return any(
        not math.isnan(float(text))
        for sample in samples
        for _, text in sample.get("values", [sample.get("value")])
    )


def failing_view(number: int) -> Iterator[dict[str, Any]]:
    """A view that fails before its first frame, or after it, and how the viewer leaves."""
    session = {"sessionId": f"unlucky-{number}", "cdn": "cdn-a"}
    common = {**session, "contentId": f"clip-{number}"}
    error = {"errorCode": "MEDIA_ERR_DECODE", "errorMessage": "no decoder", "fatal": True}
    yield {**common, "event": "impression", "data": {"position": number}}
    if number % 2:
        yield {**common, "event": "playStart", "data": {"startupTime": 300}}
    yield {**common, "event": "error", "data": error}
    left = {"fromContentId": f"clip-{number}", "toContentId": "next", "watchTime": 1.0}
    yield {**session, "event": "swipe", "data": left}


async def misfortune(settings: Settings) -> None:
    """Once a second what healthy clients do not do, until cancelled."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    await producer.start()
    try:
        async with httpx.AsyncClient(base_url=settings.api_address.url, timeout=30.0) as client:
            number = 0
            while True:
                number += 1
                # A play without its startup time: this event alone is refused.
                faulty = {"event": "playStart", "contentId": "clip-1", "data": {}}
                body = {"events": [*failing_view(number), faulty]}
                answer = await client.post("/v1/events/batch", json=body, headers=PUBLISHABLE)
                assert answer.json()["data"]["failed"] == 1, answer.text
                assert (await client.post("/v1/events", json=faulty)).status_code == 401
                refused = await client.post("/v1/events", json=faulty, headers=PUBLISHABLE)
                assert refused.status_code == 400
                await client.get("/v1/quality", headers=SECRET)
                raw = f"{settings.topic_prefix}events.raw"
                await producer.send_and_wait(raw, b"not JSON", key=b"stranger")
                # Its pace, not a wait for anything.
                await asyncio.sleep(1.0)
    finally:
        await producer.stop()


@asynccontextmanager
async def under_load(settings: Settings) -> AsyncIterator[None]:
    """Viewers without end, among them unlucky ones."""

    async def viewers() -> None:
        key = PUBLISHABLE["Authorization"].split()[1]
        async with EventsClient(
            settings.api_address.url, key, retry_seconds=60.0, connections=20, compress=True
        ) as client:
            incident = rebuffer_spike(8_000, 3_600_000).incident
            await send_audience(
                client, Tally(), viewers=VIEWERS, seed=1, seconds=None, incident=incident
            )

    async with asyncio.TaskGroup() as tasks:
        load = [tasks.create_task(viewers()), tasks.create_task(misfortune(settings))]
        try:
            yield
        finally:
            for task in load:
                task.cancel()


@pytest.fixture
def always_firing(tmp_path: Path) -> Path:
    """A rule, so that there is an alert to mark on the charts."""
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: test, rules: [{alert: AlwaysFiring, expr: vector(1)}]}]")
    return rules


async def chosen_values(prometheus: Prometheus, dashboard: Dashboard) -> dict[str, str]:
    """What somebody chooses at the top, from what the variables' own queries offer."""
    wanted = {"window": WINDOW, "dimension": "cdn", "value": "cdn-b|cdn-a", "metric": "plays"}
    values = {"__rate_interval": RATE_INTERVAL, "datasource": "prometheus"}
    for name, variable in dashboard.variables.items():
        if variable["type"] == "query":
            query = PanelQuery(name, variable["query"]["query"], instant=True)
            selector, label = label_query(query.with_values(values | wanted))
            offered = await prometheus.label_values(label, selector)
            assert set(wanted[name].split("|")) <= set(offered), (dashboard.uid, name, offered)
            values[name] = wanted[name]
        elif variable["type"] == "custom":
            options = [option.split(" : ")[-1] for option in variable["query"].split(",")]
            assert variable["current"]["value"] in options
            values[name] = variable["current"]["value"]
    return values


async def all_queries(prometheus: Prometheus) -> list[Asked]:
    asked: list[Asked] = []
    for dashboard in all_dashboards().values():
        values = await chosen_values(prometheus, dashboard)
        choices = [values]
        if "metric" in values:
            ways = dashboard.variables["metric"]["query"].split(",")
            choices = [values | {"metric": way.split(" : ")[1]} for way in ways]
        for query in dashboard.queries:
            texts = {query.with_values(chosen) for chosen in choices}
            asked += [Asked(query.panel, text, query.instant) for text in sorted(texts)]
        asked += [
            Asked(f"{dashboard.uid} / annotation", annotation["expr"], instant=False)
            for annotation in dashboard.annotations
        ]
    return asked


async def test_every_query_of_every_panel_has_an_answer(
    environ_for: EnvironFor,
    free_port: Callable[[], int],
    tmp_path: Path,
    always_firing: Path,
) -> None:
    environ = environ_for(PARTITIONS="4")
    settings = load_settings(environ)
    config = scrape_config(
        {
            "workers": [str(settings.metrics_address)],
            "api": [str(settings.api_address)],
        },
        interval_seconds=1.0,
        rule_files=[always_firing],
    )
    async with (
        running_stack(settings, environ),
        running_prometheus(tmp_path / "prometheus", free_port, config) as prometheus,
        under_load(settings),
    ):

        async def slices_are_known() -> bool:
            return {"cdn-a", "cdn-b"} <= set(
                await prometheus.label_values("value", 'playvitals_rolling_plays{dimension="cdn"}')
            )

        await until(slices_are_known, "the first figures are scraped")
        open_queries = await all_queries(prometheus)
        assert len(open_queries) > 100

        async def all_answered() -> bool:
            nonlocal open_queries
            answers = [(query, await query.answer(prometheus)) for query in open_queries]
            open_queries = [query for query, samples in answers if not has_figures(samples)]
            return not open_queries

        try:
            await until(all_answered, "every query has an answer", 120.0)
        except AssertionError:
            pytest.fail("without an answer:\n" + "\n".join(map(str, open_queries)))
        await expect_the_culprit_first(prometheus)
        await expect_one_of_each(prometheus)


async def expect_the_culprit_first(prometheus: Prometheus) -> None:
    """The tables name the CDN whose viewers stall."""
    dashboards = all_dashboards()
    found = {
        uid: [
            query for query in dashboards[uid].queries if query.instant and needle in query.promql
        ]
        for uid, needle in (
            ("playvitals-quality", "topk"),
            ("playvitals-breakdown", "rebuffer_seconds"),
        )
    }
    ranking, *_ = found["playvitals-quality"]
    (stall_share,) = found["playvitals-breakdown"]
    for query, metric in ((ranking, "rebuffer_ratio"), (stall_share, "")):
        values = await chosen_values(prometheus, dashboards[query.panel.split(" / ")[0]])
        samples = await prometheus.query(query.with_values(values | {"metric": metric}))
        of_cdns = [
            sample for sample in samples if sample["metric"].get("dimension", "cdn") == "cdn"
        ]
        worst = max(of_cdns, key=lambda sample: float(sample["value"][1]))
        assert worst["metric"]["value"] == "cdn-b", samples


async def expect_one_of_each(prometheus: Prometheus) -> None:
    """The figures that are known beforehand."""
    expected = {
        "playvitals-pipeline / Workers reporting": 1,
        "playvitals-pipeline / Records unaccounted for": 0,
        "playvitals-api / APIs reporting": 1,
        "playvitals-api / Not acknowledged": 0,
        "playvitals-quality / Alerts firing": 1,
    }
    values = {"__rate_interval": RATE_INTERVAL}
    shown = {
        query.panel: float((await prometheus.query(query.with_values(values)))[0]["value"][1])
        for dashboard in all_dashboards().values()
        for query in dashboard.queries
        if query.panel in expected
    }
    assert shown == expected
