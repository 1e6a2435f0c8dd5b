"""``python -m bench.peers.plain_faust``: the job as Faust's own guide would have it written.

One record at a time through an agent: decode, validate, drop repetitions by a table, follow the
view of a session in a table, add to a table of panes under all viewers and each dimension, and
forward the event. Tables live in memory and in changelog topics, so that what was counted survives
a restart as far as its changelog records and offsets were written: Faust's default, at least once.
Missing, compared with playvitals: late and out-of-order events, view time-outs, quantiles, merged
windows over partitions, exactness through a crash.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faust
import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.peers.meter import Job, Meter, peer_main
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
TABLES: Mapping[str, type] = {"seen": bool, "views": dict, "panes": dict}

_VISIBLE_SECONDS = 10.0
_POLL_SECONDS = 0.05


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
    accepted = app.topic(f"{prefix}events.accepted", value_type=bytes)
    seen, views, panes = (app.Table(name, default=default) for name, default in TABLES.items())

    @app.agent(raw)
    async def count(stream: Any) -> None:
        async for record in stream.events():
            if takes(record.value, seen, views, panes, totals):
                await accepted.send(key=record.key, value=record.value)

    return app


def takes(value: bytes, seen: Any, views: Any, panes: Any, totals: Totals) -> bool:
    """Whether an event is forwarded; if it is, it is counted in the tables."""
    try:
        event = orjson.loads(value)
        name, data, session = event["event"], event.get("data", {}), event["sessionId"]
        event_id, at_ms = event["eventId"], parse_timestamp_ms(event["timestamp"])
    except (ValueError, KeyError):
        return False
    if at_ms is None or any(field not in data for field in REQUIRED.get(name, ())):
        return False
    if event_id in seen:
        totals.duplicate += 1
        return False
    seen[event_id] = True
    totals.accepted += 1
    view = views[session]
    gains = _gains(view, event, name, data)
    views[session] = view
    _add_totals(totals, gains)
    pane_ms = at_ms - at_ms % PANE_MS
    slices = [f"{name}={event.get(name, 'unknown')}" for name in DIMENSIONS]
    for slice_ in ("all=", *slices):
        key = f"{pane_ms}|{slice_}"
        sums = panes[key]
        for figure, gain in gains.items():
            sums[figure] = sums.get(figure, 0) + gain
        panes[key] = sums
    return True


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


async def create_changelogs(servers: str, prefix: str, partitions: int) -> None:
    """Make the tables' topics before the app starts, and wait until the broker tells of them.

    Faust makes them itself and goes on at once. A Kafka that tells of the last one a moment later
    has it left out of the assignment, and the agent then fails at every event.

    Raises:
        TimeoutError: they are not there ten seconds later.
    """
    names = [f"{prefix}plain-faust-{table}-changelog" for table in TABLES]
    compacted = {"cleanup.policy": "compact"}
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=compacted) for name in names]
        )
        async with asyncio.timeout(_VISIBLE_SECONDS):
            while True:
                described = await admin.describe_topics(names)
                if all(len(topic["partitions"]) == partitions for topic in described):
                    return
                await asyncio.sleep(_POLL_SECONDS)
    finally:
        await admin.close()


async def take_in(job: Job) -> Mapping[str, Any]:
    """Run the app until all events of the job are counted."""
    totals = Totals()
    meter = Meter(totals, job.events)
    await create_changelogs(job.servers, job.prefix, job.partitions)
    with TemporaryDirectory() as folder:
        app = create_app(job.servers, job.prefix, job.partitions, Path(folder), totals)
        await app.start()
        meter.start()
        await asyncio.to_thread(meter.wait)
        await app.stop()
    return meter.report()


def run(job: Job) -> Mapping[str, Any]:
    """Take in all events of the job."""
    return asyncio.run(take_in(job))


if __name__ == "__main__":
    sys.exit(peer_main("bench.peers.plain_faust", __doc__, run))
