"""The API with its live page on a socket, with feeds that a test fills: no broker needed."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from granian.constants import Interfaces
from granian.server.embed import Server

from app.api.application import create_api
from app.api.ingest import EventSink
from app.live.feeds import LiveFeeds
from app.settings import Settings
from models.figures import (
    ACTIVE_VIEWERS,
    COMPLETIONS,
    ENDED_VIEWS,
    EXITS_BEFORE_START,
    IMPRESSIONS,
    PLAYBACK_FAILURES,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    REBUFFERS,
    START_FAILURES,
    STARTED_VIEWS,
    WATCH_MS,
    Figures,
    new_figures,
)
from models.histogram import bucket_of
from tests.support.live import LiveRecord, fed, health, rejected, window
from tests.support.waiting import until

BY_CDN = "/?window=5m&dimension=cdn"
HOSTILE = '<img src=x onerror="document.title=1">'
STEP_MS = 5_000
CDNS = {"cdn-a": 0.55, "cdn-b": 0.3, "cdn-c": 0.145, "cdn-new": 0.005}


@asynccontextmanager
async def page_server(settings: Settings, sink: EventSink, feeds: LiveFeeds) -> AsyncIterator[None]:
    """Serve the API at its address until the block is left; live pages are told to go."""
    server = Server(
        create_api(settings, sink, feeds),
        address=settings.api_address.host,
        port=settings.api_address.port,
        interface=Interfaces.ASGI,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())

    async def answers() -> bool:
        if serving.done():
            serving.result()
        try:
            _, writer = await asyncio.open_connection(
                settings.api_address.host, settings.api_address.port
            )
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    try:
        await until(answers, "the API answers", 20)
        yield
    finally:
        await feeds.stop()
        server.stop()  # type: ignore[no-untyped-call] # granian gives it no types
        await serving


def slice_figures(plays: int, trouble: float, seed: int) -> Figures:
    """The figures of a slice with so many plays; ``trouble`` from 0, quiet, to 1."""
    random = Random(seed)  # noqa: S311 - figures to look at
    found = new_figures()
    sums = found.sums
    sums[PLAYS] = plays
    sums[IMPRESSIONS] = plays + plays // 9
    sums[EXITS_BEFORE_START] = plays // 40
    sums[ENDED_VIEWS] = sums[STARTED_VIEWS] = plays
    sums[COMPLETIONS] = int(plays * (0.42 - 0.2 * trouble))
    sums[WATCH_MS] = plays * 14_000
    sums[REBUFFERED_VIEWS] = min(plays, math.ceil(plays * (0.006 + 0.45 * trouble)))
    sums[REBUFFERS] = sums[REBUFFERED_VIEWS] + plays // 200
    sums[REBUFFER_MS] = int(sums[REBUFFERS] * (520 + 1_400 * trouble))
    sums[START_FAILURES] = plays // 220
    sums[PLAYBACK_FAILURES] = int(plays * 0.02 * trouble)
    sums[ACTIVE_VIEWERS] = plays // 3
    for _ in range(min(plays, 400)):
        startup_ms = int(random.lognormvariate(math.log(340 + 200 * trouble), 0.55))
        bucket = bucket_of(startup_ms)
        found.startups[bucket] = found.startups.get(bucket, 0) + 1
    return found


def hour_of_records(until_ms: int) -> list[LiveRecord]:
    """An hour in which ``cdn-b`` gets into trouble for six minutes, and one gap."""
    records: list[LiveRecord] = []
    for step in range(720):
        at_ms = until_ms - (719 - step) * STEP_MS
        if 300 <= step < 330:
            continue
        trouble = max(0.0, 1 - abs(step - 640) / 40)
        plays = int(420 + 90 * math.sin(step / 60))
        records.append(
            window("1m", "all", at_ms=at_ms, of=slice_figures(plays, 0.3 * trouble, step))
        )
        if step % 12 == 0 or step > 700:
            records += _slices("5m", at_ms, 5 * plays, trouble, step)
    for label, minutes in (("1m", 1), ("5m", 5), ("15m", 15), ("1h", 60)):
        records += _slices(label, until_ms, 420 * minutes, 0.4, minutes)
    return records


def _slices(label: str, at_ms: int, plays: int, trouble: float, seed: int) -> list[LiveRecord]:
    found = [window(label, "all", at_ms=at_ms, of=slice_figures(plays, 0.3 * trouble, seed))]
    for number, (cdn, share) in enumerate(CDNS.items()):
        own = trouble if cdn == "cdn-b" else 0.01 * number
        figures = slice_figures(int(plays * share), own, seed + number)
        found.append(window(label, "cdn", cdn, at_ms, figures))
    return found


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


def url(settings: Settings, path: str = BY_CDN, host: str = "127.0.0.1") -> str:
    """The address of a path of the API, the breakdown by CDN where none is given."""
    return f"http://{host}:{settings.api_address.port}{path}"
