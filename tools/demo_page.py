"""The demo with its live page in a browser, for the tools that look at it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from playwright.async_api import Browser

from app.child_process import ChildProcess
from app.ports import free_port_pair
from tests.support.chromium import NAMES, chromium, chromium_path
from tests.support.waiting import until

_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class DemoPage:
    """A demo that runs, a browser, and when the demo began (of ``time.monotonic``)."""

    url: str
    browser: Browser
    started_seconds: float

    async def until_age(self, seconds: float) -> None:
        """Wait until the demo is so many seconds old."""
        await asyncio.sleep(max(0.0, self.started_seconds + seconds - time.monotonic()))


@asynccontextmanager
async def demo_page() -> AsyncIterator[DemoPage]:
    """Run a demo on free ports, and Chromium beside it.

    Raises:
        SystemExit: there is no Chromium.
    """
    path = chromium_path()
    if path is None:
        sys.exit(f"none of {', '.join(NAMES)} is there: apt-get install chromium")
    api, broker = free_port_pair(), free_port_pair()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PLAYVITALS_")},
        "PLAYVITALS_API_ADDRESS": f"127.0.0.1:{api}",
        "PLAYVITALS_METRICS_ADDRESS": f"127.0.0.1:{api + 1}",
        "PLAYVITALS_EMBEDDED_KAFKA_ADDRESS": f"127.0.0.1:{broker}",
        "PLAYVITALS_PARTITIONS": "4",
    }
    command = (sys.executable, "-P", "-m", "app.cli", "demo")
    demo = await ChildProcess.start("demo", command, environ, sys.stderr)
    try:
        url = f"http://127.0.0.1:{api}"
        await until(lambda: _is_ready(url), "the demo is ready", 60)
        async with chromium(path) as browser:
            yield DemoPage(url, browser, time.monotonic())
    finally:
        await demo.stop(_STOP_SECONDS)


async def _is_ready(url: str) -> bool:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False
