"""What the live page shows, in a real Chromium, on feeds that the test fills."""

import re
import time

import pytest
from playwright.async_api import Browser, expect

from app.live.feeds import LiveFeeds
from app.settings import Settings
from tests.support.accessibility import expect_nothing_serious
from tests.support.chromium import NO_VALUE, live_page
from tests.support.live import figures, window
from tests.support.page_figures import expect_figures_of_answer
from tests.support.page_server import HOSTILE, slice_figures, url

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_every_figure_is_that_of_the_answer(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        await expect_figures_of_answer(page, page_settings.api_address.url, "5m", "cdn")
        await page.page.get_by_role("radio", name="15m").check()
        await expect(page.page.locator(".slices caption")).to_have_text("By cdn, last 15m")
        await expect_figures_of_answer(page, page_settings.api_address.url, "15m", "cdn")
        assert page.errors == []


async def test_targets_say_met_or_missed_in_words_and_shape(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        assert await page.verdict("Startup p50") == "✓ target < 500\u00a0ms met"
        assert await page.verdict("Rebuffered views") == "▲ target < 2\u00a0% missed"
        feeds.windows.apply([window("5m", "all", of=figures())])
        await expect(page.page.locator("#targets .below").first).to_have_text(re.compile("no data"))
        assert await page.tile("Startup p50") == NO_VALUE
        assert await page.tile("Plays") == "0"


async def test_what_calls_somebody_is_marked_in_words_and_shape(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    feeds.windows.apply([window("5m", "all", of=slice_figures(1_000, 0.9, 7))])
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        await expect(page.page.locator("#others .below", has_text="over 3\u00a0%")).to_have_text(
            re.compile(r"^▲ over 3\u00a0%, [\d,]+ stalls$")
        )


async def test_change_is_on_the_page_within_two_seconds_of_the_feed(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        now_ms = int(time.time() * 1000) + 10_000
        news = slice_figures(4321, 0.9, 7)
        feeds.windows.apply([window("5m", "cdn", "cdn-c", now_ms, news)])
        cell = page.page.locator(".slices tbody tr", has_text="cdn-c").locator("td").first
        await expect(cell).to_have_text("4,321", timeout=2_000)
        names = list(await page.table())
        assert names[0] == "cdn-c", "it is the worst now"


async def test_worst_slices_come_first_and_those_with_few_plays_last(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        assert list(await page.table()) == ["cdn-b", "cdn-c", "cdn-a", "cdn-new"]
        few = page.page.locator(".slices tbody tr", has_text="cdn-new")
        await expect(few.get_by_text("few plays")).to_be_visible()
        header = page.page.get_by_role("columnheader", name="Rebuffer ratio")
        await expect(header).to_have_attribute("aria-sort", "descending")
        await header.get_by_role("button").click()
        await expect(header).to_have_attribute("aria-sort", "ascending")
        assert list(await page.table()) == ["cdn-a", "cdn-c", "cdn-b", "cdn-new"]
        await page.page.get_by_role("columnheader", name="Plays").get_by_role("button").click()
        assert list(await page.table()) == ["cdn-a", "cdn-b", "cdn-c", "cdn-new"]
        await page.page.get_by_label("Worst by").select_option("Completion rate")
        completion = page.page.get_by_role("columnheader", name="Completion rate")
        await expect(completion).to_have_attribute("aria-sort", "ascending")
        assert next(iter(await page.table())) == "cdn-b"
        assert "worst=completion" in page.page.url


async def test_charts_have_a_summary_and_a_table_and_gaps_stay_gaps(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        charts = page.page.locator("figure.chart")
        await expect(charts).to_have_count(5)
        for index in range(5):
            await expect(charts.nth(index).locator(".note")).to_contain_text("now ")
        viewers = page.page.get_by_role("figure", name="Active viewers")
        await viewers.get_by_text("Table", exact=True).click()
        rows = viewers.locator("tbody tr")
        newest = feeds.windows.history.points[-1]
        await expect(rows.first).to_have_text(
            f"{newest.at[11:19]}{newest.active_viewers}", use_inner_text=False
        )
        minutes = {point.at[:16] for point in feeds.windows.history.points}
        await expect(rows).to_have_count(len(minutes))
        drawn = await page.page.evaluate(
            """async () => {
                const { Course } = await import("/assets/chart_data.js");
                const course = new Course();
                course.reset([0, 5, 10, 60, 65].map(second => ({
                    at: new Date(second * 1000).toISOString(), plays: second })), 5);
                return course.columns(["plays"]);
            }"""
        )
        assert drawn == [[0, 5, 10, 15, 60, 65], [0, 5, 10, None, 60, 65]]


async def test_keyboard_alone_reaches_and_changes_window_dimension_and_order(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(page_settings)) as page:
        await page.until_live()
        press = page.page.keyboard.press
        focus = page.page.locator(":focus")

        async def tab_to(selector: str) -> None:
            for _ in range(40):
                await press("Tab")
                if await focus.count() and await focus.evaluate(
                    "(node, selector) => node.matches(selector)", selector
                ):
                    return
            raise AssertionError(f"no Tab leads to {selector}")

        await tab_to("#theme input")
        await press("ArrowRight")
        assert await page.page.evaluate("document.documentElement.dataset.theme") == "light"
        await tab_to("#windows input")
        outline = await focus.evaluate(
            "node => getComputedStyle(node.nextElementSibling).outlineStyle"
        )
        assert outline == "solid"
        await press("ArrowRight")
        await expect(page.page.locator(".slices caption")).to_have_text("By cdn, last 15m")
        await tab_to("#dimensions input")
        await press("ArrowRight")
        await expect(page.page.locator(".empty").first).to_have_text(
            "No slice by appVersion in the last 15m"
        )
        assert "window=15m&dimension=appVersion" in page.page.url
        await press("ArrowLeft")
        await expect(page.page.locator(".slices caption")).to_have_text("By cdn, last 15m")
        await tab_to("#worst")
        await press("ArrowDown")
        await tab_to(".slices th button")
        await press("Enter")
        await expect(page.page.locator("th.value[aria-sort]")).to_have_count(1)
        assert page.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
async def test_axe_finds_nothing_serious(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds, theme: str, width: int
) -> None:
    async with live_page(browser, url(page_settings), width=width, theme=theme) as page:
        await page.until_live()
        for summary in await page.page.locator("summary").all():
            await summary.click()
        await expect_nothing_serious(page)


async def test_theme_follows_the_system_until_one_is_chosen_and_kept(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    async with live_page(browser, url(page_settings), theme="dark") as page:
        dark = await page.page.evaluate(background)
        await page.page.get_by_role("radio", name="Light").check()
        light = await page.page.evaluate(background)
        assert light != dark
        await page.page.reload()
        assert await page.page.evaluate(background) == light
        await page.page.get_by_role("radio", name="Auto").check()
        assert await page.page.evaluate(background) == dark


@pytest.mark.parametrize("width", [390, 768])
async def test_small_screen_never_scrolls_sideways(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds, width: int
) -> None:
    long = "x" * 64
    feeds.windows.apply([window("5m", "cdn", long, of=slice_figures(500, 0.5, 3))])
    async with live_page(browser, url(page_settings), width=width, height=844) as page:
        await page.until_live()
        for summary in await page.page.locator("summary").all():
            await summary.click()
        assert await page.page.evaluate("document.documentElement.scrollWidth") == width
        region = page.page.get_by_role("region", name="Breakdown table")
        assert await region.evaluate("node => node.scrollWidth > node.clientWidth")


async def test_hostile_values_stay_text(
    browser: Browser, page_settings: Settings, feeds: LiveFeeds
) -> None:
    feeds.windows.apply([window("5m", "appVersion", HOSTILE, of=slice_figures(500, 0.5, 3))])
    async with live_page(browser, url(page_settings, "/?window=5m&dimension=appVersion")) as page:
        await page.until_live()
        assert list(await page.table()) == [HOSTILE]
        await page.page.locator("summary", has_text="too_old").click()
        await expect(page.page.locator("pre").first).to_contain_text("onerror=")
        assert await page.page.locator("img").count() == 1, "the page's own mark"
        assert (await page.page.title()).startswith("playvitals")
        assert page.errors == []
