"""``python -m tools.page_cost``: what the live page costs who looks at it, beside a demo.

First contentful paint on loopback, as the median of loads without a cache; and the CPU time of
all processes of the browser while the page is open, as a share of one core.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass

from playwright.async_api import Browser

from tests.support.chromium import LivePage, live_page
from tests.support.waiting import until
from tools.demo_page import demo_page

LOADS = 9
OPEN_SECONDS = 60.0
SETTLE_SECONDS = 5.0
MAX_PAINT_MS = 500.0
MAX_CPU_SHARE = 0.05

_PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0].startTime"""
_PAINTED = """() => performance.getEntriesByName("first-contentful-paint").length > 0"""


@dataclass(frozen=True)
class PageCost:
    """Milliseconds to the first contentful paint of each load, and the share of a core."""

    paints_ms: list[float]
    cpu_share: float

    @property
    def paint_ms(self) -> float:
        """The median."""
        return statistics.median(self.paints_ms)

    @property
    def is_within_limits(self) -> bool:
        """Whether both are."""
        return self.paint_ms < MAX_PAINT_MS and self.cpu_share < MAX_CPU_SHARE


async def measure() -> PageCost:
    """Measure both."""
    async with demo_page() as demo:
        paints_ms = [await _paint_ms(demo.browser, demo.url) for _ in range(LOADS)]
        async with live_page(demo.browser, demo.url) as page:
            await page.until_live()
            await asyncio.sleep(SETTLE_SECONDS)
            before, started = await _cpu_seconds(demo.browser), time.monotonic()
            await asyncio.sleep(OPEN_SECONDS)
            spent = await _cpu_seconds(demo.browser) - before
            return PageCost(paints_ms, spent / (time.monotonic() - started))


def main() -> None:
    """Print them.

    Raises:
        SystemExit: one of them is over its limit.
    """
    cost = asyncio.run(measure())
    print(
        f"first contentful paint: median {cost.paint_ms:.0f} ms of {LOADS} loads "
        f"({min(cost.paints_ms):.0f} to {max(cost.paints_ms):.0f} ms; limit {MAX_PAINT_MS:.0f} ms)"
    )
    print(
        f"CPU of the browser while open: {cost.cpu_share:.1%} of a core over {OPEN_SECONDS:.0f} s "
        f"(limit {MAX_CPU_SHARE:.0%})"
    )
    if not cost.is_within_limits:
        raise SystemExit("over the limit")


async def _paint_ms(browser: Browser, url: str) -> float:
    async with live_page(browser, url) as page:
        await page.page.wait_for_selector("#connection[data-state=live]")
        await until(lambda: _is_painted(page), "the page is painted", 10)
        return float(await page.page.evaluate(_PAINT))


async def _is_painted(page: LivePage) -> bool:
    return bool(await page.page.evaluate(_PAINTED))


async def _cpu_seconds(browser: Browser) -> float:
    """CPU time of the browser, its renderers and its helpers so far."""
    session = await browser.new_browser_cdp_session()
    info = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    return float(sum(process["cpuTime"] for process in info["processInfo"]))


if __name__ == "__main__":
    main()
