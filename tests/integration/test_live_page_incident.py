"""The live page beside a real API and a real worker: its figures, and an incident on it."""

import time
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.integration.conftest import EnvironFor
from tests.integration.test_live import SESSIONS, events, live
from tests.support.chromium import LivePage, live_page, number
from tests.support.deployment import Deployment
from tests.support.page_figures import expect_figures_of_answer
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SPIKE_CDN = "cdn-b"
SPIKE_RATIO = 0.2
"""Far above what the quiet events give, and below what the spike does."""
VISIBLE_SECONDS = 10.0
QUIET_CDNS = {"cdn-a", "cdn-c"}


def spike(first: int) -> list[dict[str, Any]]:
    """Sessions on one CDN that stall for four seconds each."""
    found: list[dict[str, Any]] = []
    for number_ in range(first, first + SESSIONS):
        common = {"contentId": "clip-1", "sessionId": f"session-{number_}", "cdn": SPIKE_CDN}
        found.append({**common, "event": "playStart", "data": {"startupTime": 300}})
        stall = {"duration": 4_000, "currentTime": 1.5}
        found.append({**common, "event": "rebuffer", "data": stall})
    return found


async def ratio_on(page: LivePage) -> float:
    shown, _ = number(await page.tile("Rebuffer ratio"))
    return shown or 0.0


async def plays_on(page: LivePage) -> float:
    shown, _ = number(await page.tile("Plays"))
    return shown or 0.0


async def test_spike_is_on_the_page_within_ten_seconds_with_the_slice_that_causes_it(
    browser: Browser, embedded_broker: str, environ_for: EnvironFor
) -> None:
    deployment = Deployment(
        environ_for(
            EMBEDDED_KAFKA_ADDRESS=embedded_broker,
            TOPIC_PREFIX="page.",
            PARTITIONS="4",
            WINDOWS="1m,2h",
            ENVIRONMENT="test",
            API_KEYS="sk_test_demo",
        )
    )
    async with (
        deployment.worker(history=False),
        live(deployment) as subject,
        live_page(browser, f"{subject.url}/?window=2h&dimension=cdn") as page,
    ):
        await page.until_live()
        await subject.post(events(0))

        async def shows_quiet_plays() -> bool:
            return await plays_on(page) == SESSIONS

        await until(shows_quiet_plays, "the quiet plays are on the page")
        quiet = await ratio_on(page)
        assert quiet < SPIKE_RATIO
        await expect_figures_of_answer(page, subject.url, "2h", "cdn")

        await subject.post(spike(SESSIONS))
        received = time.monotonic()

        async def shows_the_spike() -> bool:
            table = await page.table()
            return (
                await ratio_on(page) > SPIKE_RATIO
                and next(iter(table)) == SPIKE_CDN
                and (number(table[SPIKE_CDN]["Rebuffer ratio"])[0] or 0) > SPIKE_RATIO
            )

        await until(shows_the_spike, "the spike is on the page")
        assert time.monotonic() - received < VISIBLE_SECONDS

        async def shows_all_plays() -> bool:
            return await plays_on(page) == 2 * SESSIONS

        await until(shows_all_plays, "all plays are on the page")
        await expect_figures_of_answer(page, subject.url, "2h", "cdn")
        assert set(await page.table()) == {SPIKE_CDN, *QUIET_CDNS}
        assert page.errors == []
