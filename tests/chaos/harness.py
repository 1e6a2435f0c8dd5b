"""One run from the first broker to the last comparison."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from shutil import rmtree

from aiokafka import ConsumerRecord

from app.settings import Settings
from app.topics import ensure_topics
from tests.chaos.compare import differences
from tests.chaos.faults import Faults
from tests.chaos.fleet import KEY, Fleet, port_giver, running_fleet
from tests.chaos.load import Load
from tests.chaos.oracle import RawRecord, Rules, run_oracle
from tests.chaos.report import Journal, Report
from tests.chaos.settling import Settling, stale
from tests.chaos.strangers import Strangers
from tests.chaos.topics import Topics
from tests.support.kafka_cluster import kafka_cluster

BROKERS = 3
LEAST_EVENTS = 50_000


async def run_chaos(
    seed: int, seconds: float, outage_seconds: float = 0.0, *, keep: bool = False
) -> Report:
    """Load, faults and comparison; whatever goes wrong is a difference of the report.

    With ``outage_seconds`` all brokers are away for so long, after the other faults.

    The folder with the logs of all processes and the data of the brokers is kept where there is any
    difference, where the run itself breaks off, and on wish; its path is on standard error.
    """
    journal = Journal()
    folder = Path(tempfile.mkdtemp(prefix="playvitals-chaos-"))
    try:
        report = await _run(seed, seconds, outage_seconds, folder, journal)
    except BaseException:
        journal(f"broken off; the logs are in {folder}")
        raise
    journal.differences(report.differences)
    if report.differences or keep:
        journal(f"the logs are in {folder}")
    else:
        rmtree(folder)
    return report


async def _run(
    seed: int, seconds: float, outage_seconds: float, folder: Path, journal: Journal
) -> Report:
    # Where the ports are has nothing to do with what happens: two runs can stand side by side.
    free_port = port_giver(Random())  # noqa: S311 - ports, no secrets
    async with kafka_cluster(folder, free_port, BROKERS) as cluster:
        journal(f"{BROKERS} brokers run: {cluster.bootstrap_servers}")
        async with running_fleet(cluster.bootstrap_servers, free_port, folder, journal) as fleet:
            await ensure_topics(fleet.settings)
            await fleet.api.start()
            await fleet.scale(1)
            await fleet.api.until_ready()
            load = Load(fleet.settings.api_address.url, KEY, seed)
            strangers = Strangers(fleet.settings, seed)
            faults = Faults(cluster, fleet, seed, journal)
            async with strangers.running(), load.running():
                journal("the load begins")
                await faults.run(seconds, lambda: len(load.acknowledged) >= LEAST_EVENTS)
                if outage_seconds:
                    await faults.lose_all_brokers(outage_seconds)
            journal(f"the load ends: {len(load.acknowledged)} events were taken by the API")
            topics = Topics(fleet.settings)
            await Settling(fleet, topics).run()
            journal("everything is counted")
            return await _compare(seed, fleet, topics, load, strangers, faults, journal)


async def _compare(
    seed: int,
    fleet: Fleet,
    topics: Topics,
    load: Load,
    strangers: Strangers,
    faults: Faults,
    journal: Journal,
) -> Report:
    records = await topics.read("events.raw")
    expected = run_oracle(map(raw_record, records), rules(fleet.settings))
    accepted = await topics.read_json("events.accepted")
    windows = await topics.newest("windows")
    found = [
        *fleet.problems,
        *lost(records, load.acknowledged, strangers.acknowledged),
        *stale(windows, max(record.timestamp for record in records)),
        *differences(
            expected,
            accepted,
            await topics.read_json("events.rejected"),
            await topics.read_json("views"),
            windows,
        ),
    ]
    if expected.out_of_order:
        found.append(f"the load sent {expected.out_of_order} events out of order")
    return Report(
        seed=seed,
        events=len(records) - expected.ticks,
        received=len(load.acknowledged),
        repeated=len(accepted) - len({value["eventId"] for _, value, _ in accepted}),
        unasked_ends=fleet.unasked_ends,
        faults=dict(sorted(faults.counts.items())),
        differences=found,
        seconds=journal.seconds,
    )


def rules(settings: Settings) -> Rules:
    """What the oracle has to know of the settings."""
    return Rules(
        topic=settings.topic("events.raw"),
        windows={window.label: window.seconds for window in settings.windows},
        grace_seconds=settings.grace_seconds,
        view_timeout_seconds=settings.view_timeout_seconds,
        straggler_seconds=settings.straggler_seconds,
        dedupe_hours=settings.dedupe_hours,
        dimensions=settings.dimensions,
    )


def lost(records: Iterable[ConsumerRecord], ids: set[str], values: set[bytes]) -> list[str]:
    """What was acknowledged, by event id or as a whole value, and is not in the raw topic."""
    missing_ids, missing_values = set(ids), set(values)
    for record in records:
        missing_values.discard(record.value)
        missing_ids.discard(_event_id(record.value))
    return [
        *(f"event {event_id} was acknowledged and is lost" for event_id in sorted(missing_ids)),
        *(f"record {value[:100]!r} was acknowledged and is lost" for value in missing_values),
    ]


def _event_id(value: bytes | None) -> str:
    try:
        event = json.loads(value or b"")
    except (ValueError, RecursionError):
        return ""
    return str(event.get("eventId")) if isinstance(event, dict) else ""


def raw_record(record: ConsumerRecord) -> RawRecord:
    """A record as the oracle reads it."""
    return RawRecord(
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers),
    )
