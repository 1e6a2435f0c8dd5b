"""The end of a run: everything that was sent gets counted, up to one last moment in time."""

import asyncio
import time
from typing import Any

from app.kafka_writer import KafkaWriter
from models.timestamps import format_timestamp
from tests.chaos.fleet import Fleet
from tests.chaos.topics import Keyed, Topics
from tests.support.waiting import POLL_SECONDS, WaitedInVainError, until

WORKERS = 2
QUIET_SECONDS = 5.0
NO_MORE_TICKS = "3600"
TICK_HEADERS = (("pv-tick", b""),)

_TIMEOUT_SECONDS = 60.0
_DEADLINE_SECONDS = 180.0


class Settling:
    """Brings a fleet to rest.

    After the last tick, which every partition gets, the clock stands still, so all figures have
    one right value. Two workers count what is left. Two more then start from what those left
    behind: their rolling figures must be the same, but for the clock, which the first two need
    not have published anew for slices without a change.
    """

    def __init__(self, fleet: Fleet, topics: Topics) -> None:
        self._fleet = fleet
        self._topics = topics

    async def run(self) -> None:
        """Stop the workers, count everything, and look whether a restart changes a figure.

        Raises:
            WaitedInVainError: the workers did not come to rest.
        """
        await self._fleet.scale(0)
        await self._write_last_ticks()
        await self._fleet.scale(WORKERS, TICK_SECONDS=NO_MORE_TICKS)
        await self._until_counted()
        await self._until_quiet()
        counted = await self._topics.newest("windows")
        await self._fleet.scale(0)
        await self._fleet.scale(WORKERS, TICK_SECONDS=NO_MORE_TICKS)
        for worker in self._fleet.workers:
            await worker.until_ready()
        await self._until_quiet()
        restarted = await self._topics.newest("windows")
        await self._fleet.scale(0)
        self._fleet.problems += changes(counted, restarted)

    async def _write_last_ticks(self) -> None:
        settings = self._fleet.settings
        writer = KafkaWriter(
            settings.bootstrap_servers,
            client_id="chaos-ticks",
            linger_seconds=0.0,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        await writer.start()
        try:
            for partition in range(settings.partitions):
                topic = settings.topic("events.raw")
                writer.append(topic, partition, None, None, headers=TICK_HEADERS)
            await writer.flush()
        finally:
            await writer.stop()

    async def _until_counted(self) -> None:
        """Wait until nothing lags, everything adds up, and all of it is committed."""
        partitions = {str(number) for number in range(self._fleet.settings.partitions)}
        balanced = dict.fromkeys(partitions, 0.0)
        ends = await self._topics.ends("events.raw")
        found: dict[str, Any] = {}

        async def is_counted() -> bool:
            for name in ("playvitals_lag_records", "playvitals_ledger_imbalance"):
                found[name] = await self._by_partition(name)
            found["committed"] = await self._topics.committed()
            return found["committed"] == ends and all(
                found[name] == balanced
                for name in ("playvitals_lag_records", "playvitals_ledger_imbalance")
            )

        try:
            await until(is_counted, "every record is counted", _DEADLINE_SECONDS)
        except WaitedInVainError as error:
            raise WaitedInVainError(f"{error}: {found}, the ends are {ends}") from None

    async def _by_partition(self, name: str) -> dict[str, float]:
        """A gauge of all workers; of a partition with two owners the worse value."""
        found: dict[str, float] = {}
        for worker in self._fleet.workers:
            for sample in await worker.metrics():
                if sample.name == name:
                    partition = sample.labels["partition"]
                    found[partition] = max(found.get(partition, 0.0), abs(sample.value))
        return found

    async def _until_quiet(self) -> None:
        """Wait until the ``windows`` topic gets no new record any more."""
        ends, since = await self._topics.ends("windows"), time.monotonic()
        deadline = since + _DEADLINE_SECONDS
        while time.monotonic() - since < QUIET_SECONDS:
            if time.monotonic() > deadline:
                raise WaitedInVainError("waited in vain until the windows topic is quiet")
            await asyncio.sleep(POLL_SECONDS)
            now = await self._topics.ends("windows")
            if now != ends:
                ends, since = now, time.monotonic()


def changes(before: list[Keyed], after: list[Keyed]) -> list[str]:
    """The slices that a restart changed although nothing new was counted."""
    first, second = figures(before), figures(after)
    return [
        f"windows {key!r} was {first.get(key)} before a restart and is {second.get(key)}"
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
    ]


def figures(records: list[Keyed]) -> dict[bytes, dict[str, Any]]:
    """Slices by key, without the times that every publication has anew."""
    return {
        key or b"": {name: value[name] for name in value if name not in ("start", "end")}
        for key, value, _ in records
    }


def stale(records: list[Keyed], clock_ms: int) -> list[str]:
    """The slices that are not of the last moment."""
    end = format_timestamp(clock_ms)
    return [
        f"windows {key!r} ends at {value['end']}, the clock is {end}"
        for key, value, _ in records
        if value["end"] != end
    ]
