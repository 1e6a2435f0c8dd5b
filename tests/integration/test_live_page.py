"""The live page in a real Chromium, on feeds that the test fills."""

import re
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from app.live.feeds import LiveFeeds
from app.settings import Settings, load_settings
from models.figures import PLAYS
from tests.contract.conftest import FakeSink
from tests.support.chromium import (
    NO_VALUE,
    OTHER_HOST,
    LivePage,
    live_page,
)
from tests.support.live import fed, figures, health, rejected, window
from tests.support.page_figures import expect_figures_of_answer
from tests.support.page_server import hour_of_records, page_server, slice_figures
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SECRET = "sk_test_demo"
BY_CDN = "/?window=5m&dimension=cdn"
HOSTILE = '<img src=x onerror="document.title=1">'
SERIOUS = ("serious", "critical")
SECONDS = 20.0


@pytest.fixture
def settings(free_port: Callable[[], int]) -> Settings:
    return load_settings({"PLAYVITALS_API_ADDRESS": f"127.0.0.1:{free_port()}"})


def filled(settings: Settings) -> LiveFeeds:
    """Feeds after an hour with an incident on ``cdn-b``, a healthy pipeline, two refusals."""
    feeds = fed(settings)
    now_ms = int(time.time() * 1000)
    feeds.windows.apply(hour_of_records(now_ms))
    for at_ms, accepted in ((now_ms - 5_000, 10_000), (now_ms, 10_500)):
        feeds.pipeline.apply(
            [
                health(partition, at_ms, accepted=accepted, duplicates=2, saved_ms=at_ms - 3_000)
                for partition in range(settings.partitions)
            ]
        )
    raw = f'{{"event":"playStart","appVersion":{HOSTILE!r}}}'
    feeds.rejected.apply([rejected("too_old", now_ms, raw=raw), rejected("malformed", now_ms)])
    return feeds


@pytest_asyncio.fixture(loop_scope="module")
async def feeds(settings: Settings) -> AsyncIterator[LiveFeeds]:
    """The feeds of an API that is being served."""
    found = filled(settings)
    async with page_server(settings, FakeSink(), found):
        yield found


def url(settings: Settings, path: str = BY_CDN, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{settings.api_address.port}{path}"


async def expect_nothing_serious(page: LivePage) -> None:
    """axe-core finds no serious or critical violation on the page as it is now."""
    found = await Axe().run(page.page)
    serious = [
        (it["id"], [node["html"] for node in it["nodes"]])
        for it in found.response["violations"]
        if it["impact"] in SERIOUS
    ]
    assert serious == []
    assert len(found.response["passes"]) > 10


async def test_every_figure_is_that_of_the_answer(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings)) as page:
        await page.until_live()
        await expect_figures_of_answer(page, settings.api_address.url, "5m", "cdn")
        await page.page.get_by_role("radio", name="15m").check()
        await expect(page.page.locator(".slices caption")).to_have_text("By cdn, last 15m")
        await expect_figures_of_answer(page, settings.api_address.url, "15m", "cdn")
        assert page.errors == []


async def test_targets_say_met_or_missed_in_words_and_shape(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings)) as page:
        await page.until_live()
        assert await page.verdict("Startup p50") == "✓ target < 500\u00a0ms met"
        assert await page.verdict("Rebuffered views") == "▲ target < 2\u00a0% missed"
        feeds.windows.apply([window("5m", "all", of=figures())])
        await expect(page.page.locator("#targets .below").first).to_have_text(re.compile("no data"))
        assert await page.tile("Startup p50") == NO_VALUE
        assert await page.tile("Plays") == "0"


async def test_change_is_on_the_page_within_two_seconds_of_the_feed(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings)) as page:
        await page.until_live()
        now_ms = int(time.time() * 1000) + 10_000
        news = slice_figures(4321, 0.9, 7)
        feeds.windows.apply([window("5m", "cdn", "cdn-c", now_ms, news)])
        cell = page.page.locator(".slices tbody tr", has_text="cdn-c").locator("td").first
        await expect(cell).to_have_text("4,321", timeout=2_000)
        names = list(await page.table())
        assert names[0] == "cdn-c", "it is the worst now"


async def test_worst_slices_come_first_and_those_with_few_plays_last(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings)) as page:
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
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings)) as page:
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
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings)) as page:
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
    browser: Browser, settings: Settings, feeds: LiveFeeds, theme: str, width: int
) -> None:
    async with live_page(browser, url(settings), width=width, theme=theme) as page:
        await page.until_live()
        for summary in await page.page.locator("summary").all():
            await summary.click()
        await expect_nothing_serious(page)


async def test_theme_follows_the_system_until_one_is_chosen_and_kept(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    async with live_page(browser, url(settings), theme="dark") as page:
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
    browser: Browser, settings: Settings, feeds: LiveFeeds, width: int
) -> None:
    long = "x" * 64
    feeds.windows.apply([window("5m", "cdn", long, of=slice_figures(500, 0.5, 3))])
    async with live_page(browser, url(settings), width=width, height=844) as page:
        await page.until_live()
        for summary in await page.page.locator("summary").all():
            await summary.click()
        assert await page.page.evaluate("document.documentElement.scrollWidth") == width
        region = page.page.get_by_role("region", name="Breakdown table")
        assert await region.evaluate("node => node.scrollWidth > node.clientWidth")


async def test_hostile_values_stay_text(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    feeds.windows.apply([window("5m", "appVersion", HOSTILE, of=slice_figures(500, 0.5, 3))])
    async with live_page(browser, url(settings, "/?window=5m&dimension=appVersion")) as page:
        await page.until_live()
        assert list(await page.table()) == [HOSTILE]
        await page.page.locator("summary", has_text="too_old").click()
        await expect(page.page.locator("pre").first).to_contain_text("onerror=")
        assert await page.page.locator("img").count() == 1, "the page's own mark"
        assert (await page.page.title()).startswith("playvitals")
        assert page.errors == []


async def test_pages_from_elsewhere_ask_for_a_secret_key_and_keep_it_for_the_tab(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings, host=OTHER_HOST)) as page:
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
    browser: Browser, settings: Settings
) -> None:
    async with page_server(settings, FakeSink(), filled(settings)):
        context = await browser.new_context()
        page = LivePage(await context.new_page())
        await page.page.goto(url(settings))
        await page.until_live()
    await expect(page.page.locator("#connection-text")).to_have_text(
        re.compile(r"Reconnecting in \d+ s")
    )
    await expect(page.page.get_by_role("alert")).to_contain_text("last ones known")
    assert await page.tile("Plays") != NO_VALUE, "the last figures stay"
    await expect_nothing_serious(page)
    feeds = filled(settings)
    news = slice_figures(98_765, 0.0, 1)
    assert news.sums[PLAYS] == 98_765
    feeds.windows.apply([window("5m", "all", at_ms=int(time.time() * 1000), of=news)])
    async with page_server(settings, FakeSink(), feeds):
        retry = page.page.get_by_role("button", name="Try now")
        if await retry.is_visible():
            await retry.click()
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
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    async with live_page(browser, url(settings, "/?window=7m&dimension=nothing")) as page:
        await page.until_live()
        await expect(page.page.get_by_role("radio", name="rendition")).to_be_checked()


async def test_silent_workers_are_told_from_a_broker_that_is_away(
    browser: Browser, settings: Settings
) -> None:
    sink, feeds = FakeSink(), fed(settings)
    feeds.windows.apply(hour_of_records(int(time.time() * 1000)))
    async with page_server(settings, sink, feeds), live_page(browser, url(settings)) as page:
        alert = page.page.get_by_role("alert")
        await expect(alert).to_contain_text("No worker reports")
        sink.away = True
        await expect(alert).to_contain_text("The broker is away", timeout=15_000)
        feeds.pipeline.apply(
            [health(n, int(time.time() * 1000), accepted=1) for n in range(settings.partitions)]
        )
        await expect(alert).to_be_empty()


async def test_hidden_page_lets_go_of_its_stream(
    browser: Browser, settings: Settings, feeds: LiveFeeds
) -> None:
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    async with live_page(browser, url(settings)) as page:
        await page.until_live()
        assert feeds.streams.open == 1
        await page.page.evaluate(hide, True)

        async def is_closed() -> bool:
            return feeds.streams.open == 0

        await until(is_closed, "the stream is closed", SECONDS)
        await expect(page.page.locator("#connection-text")).to_have_text("Paused")
        await page.page.evaluate(hide, False)
        await page.until_live()
