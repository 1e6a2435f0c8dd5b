"""``python -m bench.peers.plain_faust``: the job as Faust's own guide would have it written.

One record at a time through an agent: decode, validate, drop repetitions by a table, follow the
view of a session in a table, add to a table of panes under all viewers and each dimension, and
forward the event. Tables live in memory and in changelog topics, so that what was counted survives
a restart as far as its changelog records and offsets were written: Faust's default, at least once.
Missing, compared with playvitals: late and out-of-order events, view time-outs, quantiles, merged
windows over partitions, exactness through a crash.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faust
import msgspec
import orjson

from bench.totals import Totals
from models.timestamps import parse_timestamp_ms

DIMENSIONS = ("platform", "country", "networkType", "cdn", "appVersion")
REQUIRED = {
    "impression": ("position",),
    "playStart": ("startupTime",),
    "watchProgress": ("currentTime",),
    "completion": ("watchTime",),
    "swipe": ("fromContentId", "toContentId", "watchTime"),
    "rebuffer": ("duration", "currentTime"),
    "qualityChange": ("fromQuality", "toQuality"),
    "share": ("platform",),
    "error": ("errorCode",),
}
PANE_MS = 10_000


def create_app(servers: str, prefix: str, partitions: int, folder: Path, totals: Totals) -> Any:
    """The Faust app; ``totals`` follow what its agent counts."""
    app = faust.App(
        f"{prefix}plain-faust",
        broker=f"kafka://{servers}",
        store="memory://",
        datadir=folder,
        topic_partitions=partitions,
        value_serializer="raw",
        web_enabled=False,
    )
    raw = app.topic(f"{prefix}events.raw", value_type=bytes)
    accepted = app.topic(f"{prefix}plain-faust-accepted", value_type=bytes)
    seen = app.Table("seen", default=bool)
    views = app.Table("views", default=dict)
    panes = app.Table("panes", default=dict)

    @app.agent(raw)
    async def count(stream: Any) -> None:
        async for record in stream.events():
            event = orjson.loads(record.value)
            name, data = event["event"], event.get("data", {})
            if any(field not in data for field in REQUIRED.get(name, ())):
                continue
            if event["eventId"] in seen:
                totals.duplicate += 1
                continue
            seen[event["eventId"]] = True
            totals.accepted += 1
            view = views[event["sessionId"]]
            gains = _gains(view, event, name, data)
            views[event["sessionId"]] = view
            _add_totals(totals, gains)
            at_ms = parse_timestamp_ms(event["timestamp"]) or 0
            pane_ms = at_ms - at_ms % PANE_MS
            slices = [f"{name}={event.get(name, 'unknown')}" for name in DIMENSIONS]
            for value in ("all", *slices):
                key = f"{pane_ms}|{value}"
                sums = panes[key]
                for figure, gain in gains.items():
                    sums[figure] = sums.get(figure, 0) + gain
                panes[key] = sums
            await accepted.send(key=record.key, value=record.value)

    return app


def _gains(
    view: dict[str, Any], event: dict[str, Any], name: str, data: dict[str, Any]
) -> dict[str, int]:
    """What an event adds, and what it changes in the view of its session."""
    content = event.get("contentId", data.get("toContentId"))
    if view.get("content") != content:
        view.clear()
        view["content"] = content
    gains = {"events": 1}
    if name == "playStart" and not view.get("started"):
        view["started"] = True
        gains |= {"plays": 1, "startupMs": data["startupTime"]}
    elif name == "completion" and not view.get("completed"):
        view["completed"] = True
        gains["completions"] = 1
    elif name == "rebuffer":
        gains |= {"rebuffers": 1, "rebufferMs": data["duration"]}
    elif name == "watchProgress":
        position_ms = round(data["currentTime"] * 1000)
        gains["watchMs"] = max(0, position_ms - view.get("positionMs", 0))
        view["positionMs"] = position_ms
    return gains


def _add_totals(totals: Totals, gains: dict[str, int]) -> None:
    totals.plays += gains.get("plays", 0)
    totals.completions += gains.get("completions", 0)
    totals.rebuffers += gains.get("rebuffers", 0)
    totals.rebuffer_ms += gains.get("rebufferMs", 0)


async def run(servers: str, prefix: str, partitions: int, events: int) -> dict[str, Any]:
    """Take in so many events; what was counted, and how fast after the first of them."""
    totals = Totals()
    with TemporaryDirectory() as folder:
        app = create_app(servers, prefix, partitions, Path(folder), totals)
        await app.start()
        first: tuple[float, int, float] | None = None
        while (done := totals.accepted + totals.duplicate) < events:
            if first is None and done:
                first = (time.perf_counter(), done, time.process_time())
            await asyncio.sleep(0.01)
        begun, already, cpu = first or (time.perf_counter(), 0, 0.0)
        seconds = time.perf_counter() - begun
        spent = time.process_time() - cpu
        await app.stop()
    return {
        **msgspec.structs.asdict(totals),
        "events_per_second": round((events - already) / seconds, 1),
        "cpu_us_per_event": round(spent / max(1, events - already) * 1e6, 1),
    }


def main() -> int:
    """Print one JSON object as the last line."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.plain_faust", description=__doc__)
    parser.add_argument("servers", help="HOST:PORT of the broker")
    parser.add_argument("prefix", help="of the topics")
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--events", type=int, required=True, help="that the raw topic has")
    options = parser.parse_args()
    report = asyncio.run(run(options.servers, options.prefix, options.partitions, options.events))
    print(orjson.dumps(report).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
