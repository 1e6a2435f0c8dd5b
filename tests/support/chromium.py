"""A real Chromium for tests of the live page."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
OTHER_HOST = "playvitals.test"
"""A name that leads to this machine, but is not one of its own: pages there need a key."""
NO_VALUE = "\u2013"
"""What stands where there is no value: a dash."""

_ARGUMENTS = [f"--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1", "--disable-dev-shm-usage"]
_LABEL = "xpath=//li[@class='tile'][span[@class='label'][text()='{}']]"
_NUMBER = re.compile(r"(-?[\d,]+(?:\.\d+)?)\s*(%|ms|s)?")
_FACTORS = {"%": 0.01, "ms": 1.0, "s": 1000.0, "": 1.0}


def chromium_path() -> str | None:
    """Where Chromium is; None: not on this machine."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """A running browser."""
    # Its sandbox does not start for root, which is who runs tests in many containers.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*_ARGUMENTS, *sandbox]
        )
        try:
            yield browser
        finally:
            await browser.close()


class LivePage:
    """The live page as somebody sees it who has it open.

    ``errors`` collects what the browser complains about, for the whole life of the page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.errors.append(message.text) if message.type in ("error", "warning") else None
            ),
        )

    async def until_live(self) -> None:
        """Wait for the connection and its first figures."""
        await self.page.wait_for_selector("#connection[data-state=live]")
        await self.page.wait_for_selector("#breakdown-table:not(:has([aria-busy]))")

    async def tile(self, label: str) -> str:
        """The value of a tile as it is shown, with its unit."""
        tile = self.page.locator(_LABEL.format(label))
        return " ".join((await tile.locator(".value").inner_text()).split())

    async def verdict(self, label: str) -> str:
        """What a tile says below its value."""
        return await self.page.locator(_LABEL.format(label)).locator(".below").inner_text()

    async def table(self) -> dict[str, dict[str, str]]:
        """The breakdown as it is shown: the cells of each value by their column, in order."""
        rows: list[list[str]] = await self.page.eval_on_selector_all(
            ".slices tr",
            """rows => rows.map(row => [...row.cells].map(cell =>
                (cell.querySelector(".name, td > span:not([class])") ?? cell).textContent.trim()
            ))""",
        )
        head = [name.rstrip(" \u00a0↑↓") for name in rows[0]]
        return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows[1:]}


@asynccontextmanager
async def live_page(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, theme: str = "light"
) -> AsyncIterator[LivePage]:
    """Open the page in a browser profile of its own."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    try:
        page = LivePage(await context.new_page())
        await page.page.goto(url)
        yield page
    finally:
        await context.close()


def number(shown: str) -> tuple[float | None, float]:
    """A figure as it is shown, in the unit of the records, and half of its last digit.

    Durations are in milliseconds, ratios are fractions of 1; a dash is None.
    """
    if shown == NO_VALUE:
        return None, 0.0
    found = _NUMBER.fullmatch(shown.replace("\u00a0", " "))
    if found is None:
        raise AssertionError(f"{shown!r} is no figure")
    digits, unit = found[1].replace(",", ""), found[2] or ""
    factor = _FACTORS[unit]
    decimals = len(digits.partition(".")[2])
    return float(digits) * factor, 0.5 * 10**-decimals * factor
