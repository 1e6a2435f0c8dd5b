"""``python -m tools.screenshots``: the pictures of the live page in the README, from a demo.

The demo's incident is over when they are taken: its course is on the charts, and the slice that
caused it is still the worst one.
"""

import asyncio
from pathlib import Path

from tests.support.chromium import live_page
from tools.demo_page import demo_page

FOLDER = Path(__file__).parents[1] / "docs" / "images"
TAKEN_AT_SECONDS = 150.0
MAX_BYTES = 250 * 1024
VIEW = "/?window=5m&dimension=cdn"


async def take() -> None:
    """Take both pictures; one that is too large for a README is an error."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with demo_page() as demo:
        await demo.until_age(TAKEN_AT_SECONDS)
        for name, width, height, theme, whole in (
            ("live-page-desktop-light.png", 1440, 900, "light", True),
            ("live-page-phone-dark.png", 390, 844, "dark", False),
        ):
            async with live_page(
                demo.browser, demo.url + VIEW, width=width, height=height, theme=theme
            ) as page:
                await page.until_live()
                await page.page.wait_for_selector(".slices tbody tr")
                await page.page.wait_for_selector("#pipeline [data-tone=good]")
                path = FOLDER / name
                await page.page.screenshot(path=path, full_page=whole)
            size = path.stat().st_size
            print(f"{path.name}: {size / 1024:.0f} KiB")
            if size > MAX_BYTES:
                raise SystemExit(f"{path.name} is larger than {MAX_BYTES // 1024} KiB")


if __name__ == "__main__":
    asyncio.run(take())
