"""Runs another program on the same kind of load, checked to have counted what the load holds."""

import asyncio
import sys
import time
from dataclasses import dataclass

import msgspec

from app.ports import free_port_pair
from app.settings import Settings
from bench.load import Load, fill_topic
from bench.peers.programs import Program
from bench.sizing import event_seconds
from bench.totals import Tally, Totals, require_equal
from bench.worker_process import broker_with_topics
from models.errors import OperatorError

DEADLINE_SECONDS = 300.0
"""For a load of any size that is worked off by then; a larger one has more."""
SLOWER = 4
"""Than a program is known to be, and it is given up."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What a program reached. CPU time is of its process alone, in microseconds per event."""

    events: int
    seconds: float
    events_per_second: float
    cpu_us_per_event: float
    peak_resident_mib: float


class _Report(Totals):
    """The last line of a peer."""

    seconds: float = 0.0
    events_per_second: float = 0.0
    cpu_us_per_event: float = 0.0
    peak_resident_mib: float = 0.0


async def measure_peer(program: Program, events: int, seed: int, seconds: float) -> Peer:
    """Let a program take in a raw topic with so many events, on a broker of its own.

    Their event time spans what a measurement of about ``seconds`` needs.

    Raises:
        OperatorError: it failed, took far too long, or counted something else than the load holds.
    """
    async with broker_with_topics(free_port_pair()) as (settings, _):
        load = Load(events, event_seconds(seconds), time.time_ns() // 1_000_000, seed)
        tally = Tally()
        await fill_topic(settings, tally.watch(load.chunks()))
        report = await _run(program, settings, events)
    counted = Totals(**{name: getattr(report, name) for name in Totals.__struct_fields__})
    require_equal(program.title, counted, tally.totals)
    return Peer(
        events=events,
        seconds=report.seconds,
        events_per_second=report.events_per_second,
        cpu_us_per_event=report.cpu_us_per_event,
        peak_resident_mib=report.peak_resident_mib,
    )


async def _run(program: Program, settings: Settings, events: int) -> _Report:
    deadline_seconds = max(DEADLINE_SECONDS, SLOWER * events / program.events_per_second)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", program.module),
        *(settings.bootstrap_servers, settings.topic_prefix),
        *("--partitions", str(settings.partitions), "--events", str(events)),
        *(("--embedded",) if settings.embedded else ()),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(deadline_seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        raise OperatorError(
            f"{program.title} did not take in {events} events within {deadline_seconds:.0f} s"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not output:
        raise OperatorError(f"{program.title} failed; see its message above")
    return msgspec.json.decode(output.splitlines()[-1], type=_Report)
