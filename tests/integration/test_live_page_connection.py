"""How the live page comes by its figures: keys, an API that goes away, is full, or is not fed."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, expect

from app.live.feeds import LiveFeeds
from app.settings import Settings, load_settings
from models.figures import PLAYS
from tests.contract.conftest import FakeSink
from tests.support.accessibility import expect_nothing_serious
from tests.support.chromium import NO_VALUE, OTHER_HOST, LivePage, live_page
from tests.support.live import fed, health, window
from tests.support.page_figures import SECRET
from tests.support.page_server import filled, hour_of_records, page_server, slice_figures, url
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SECONDS = 20.0


async def test_pages_from_elsewhere_ask_for_a_secret_key_and_keep_it_for_the_tab(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings, host=OTHER_HOST)) as page:
        form, reason = page.page.locator("#key"), page.page.locator("#key-reason")
        key = page.page.get_by_role("textbox", name="Secret key")
        await expect(form).to_be_visible()
        await expect(page.page.locator("#connection-text")).to_have_text("Key wanted")
        await expect(page.page.locator("#figures")).to_be_hidden()
        await expect(key).to_be_focused()
        await expect_nothing_serious(page)
        for wrong, words in (
            ("sk_test_wrong", "does not know this key"),
            ("pk_test_demo", "publishable key"),
            ("sk_live_demo", "the deployment takes test keys"),
        ):
            await key.fill(wrong)
            await page.page.keyboard.press("Enter")
            await expect(reason).to_contain_text(words)
        await key.fill(SECRET)
        await page.page.get_by_role("button", name="Open").click()
        await page.until_live()
        await expect(form).to_be_hidden()
        await page.page.reload()
        await page.until_live()
        await page.page.get_by_role("button", name="Forget key").click()
        await expect(form).to_be_visible()
        assert await page.page.evaluate("sessionStorage.length + localStorage.length") == 0
        refused = [text for text in page.errors if "401" not in text and "403" not in text]
        assert refused == [], "Chromium itself logs every refused request"


async def test_page_comes_back_by_itself_when_the_api_does(
    browser: Browser, page_settings: Settings
) -> None:
    async with page_server(page_settings, FakeSink(), filled(page_settings)):
        context = await browser.new_context()
        page = LivePage(await context.new_page())
        await page.page.goto(url(page_settings))
        await page.until_live()
    await expect(page.page.locator("#connection-text")).to_have_text(
        re.compile(r"Reconnecting in \d+ s")
    )
    await expect(page.page.get_by_role("alert")).to_contain_text("last ones known")
    assert await page.tile("Plays") != NO_VALUE, "the last figures stay"
    await expect_nothing_serious(page)
    feeds = filled(page_settings)
    news = slice_figures(98_765, 0.0, 1)
    assert news.sums[PLAYS] == 98_765
    feeds.windows.apply([window("5m", "all", at_ms=int(time.time() * 1000), of=news)])
    async with page_server(page_settings, FakeSink(), feeds):
        # An event, not a click: the page may have come back by itself just now.
        await page.page.locator("#retry").dispatch_event("click")
        await page.page.wait_for_selector("#connection[data-state=live]")

        async def shows_the_news() -> bool:
            return await page.tile("Plays") == "98,765"

        await until(shows_the_news, "the page shows the new figures", SECONDS)
        await expect(page.page.get_by_role("alert")).to_be_empty()
        await context.close()


async def test_api_that_is_full_says_so_and_lets_the_page_in_later(
    browser: Browser, free_port: Callable[[], int]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    full = load_settings({"PLAYVITALS_API_ADDRESS": address, "PLAYVITALS_LIVE_STREAMS": "1"})
    async with page_server(full, FakeSink(), filled(full)):
        async with live_page(browser, url(full)) as first:
            await first.until_live()
            context = await browser.new_context()
            second = LivePage(await context.new_page())
            await second.page.goto(url(full))
            alert = second.page.get_by_role("alert")
            await expect(alert).to_contain_text("PLAYVITALS_LIVE_STREAMS")
        await second.until_live()
        await expect(alert).to_be_empty()
        await context.close()


async def test_unknown_selection_in_the_address_falls_back(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings, "/?window=7m&dimension=nothing")) as page:
        await page.until_live()
        await expect(page.page.get_by_role("radio", name="rendition")).to_be_checked()


async def test_silent_workers_are_told_from_a_broker_that_is_away(
    browser: Browser, page_settings: Settings
) -> None:
    sink, feeds = FakeSink(), fed(page_settings)
    feeds.windows.apply(hour_of_records(int(time.time() * 1000)))
    async with (
        page_server(page_settings, sink, feeds),
        live_page(browser, url(page_settings)) as page,
    ):
        alert = page.page.get_by_role("alert")
        await expect(alert).to_contain_text("No worker reports")
        sink.away = True
        await expect(alert).to_contain_text("The broker is away", timeout=15_000)
        feeds.pipeline.apply(
            [
                health(n, int(time.time() * 1000), accepted=1)
                for n in range(page_settings.partitions)
            ]
        )
        await expect(alert).to_be_empty()


async def test_hidden_page_lets_go_of_its_stream(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        assert feeds.streams.open == 1
        await page.page.evaluate(hide, True)

        async def is_closed() -> bool:
            return feeds.streams.open == 0

        await until(is_closed, "the stream is closed", SECONDS)
        await expect(page.page.locator("#connection-text")).to_have_text("Paused")
        await page.page.evaluate(hide, False)
        await page.until_live()
