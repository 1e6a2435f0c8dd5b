"""How fast a peer works: the same clock for all of them, outside their way of an event.

A thread looks at the totals fifty times a second, so that nothing is called per event. The rate is
between the end of the warm-up, or the first look with something counted where all is counted within
it, and the first look with everything. CPU time is that of the whole process, background threads of
client libraries included.
"""

import argparse
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.sizing import WARM_UP_SECONDS
from bench.stretch import Look, Stretch
from bench.totals import Totals

LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Job:
    """Where a peer finds its events, and how many of them there are."""

    servers: str
    prefix: str
    partitions: int
    events: int
    embedded: bool

    @property
    def raw(self) -> str:
        """The topic to take in, from its beginning."""
        return f"{self.prefix}events.raw"

    @property
    def accepted(self) -> str:
        """The topic to forward to; it exists."""
        return f"{self.prefix}events.accepted"


class Meter:
    """Watches ``totals`` until ``events`` are counted, then calls ``when_done`` in its thread."""

    def __init__(
        self,
        totals: Totals,
        events: int,
        when_done: Callable[[], object] = lambda: None,
        warm_up_seconds: float = WARM_UP_SECONDS,
    ) -> None:
        self._totals = totals
        self._events = events
        self._when_done = when_done
        self._warm_up_seconds = warm_up_seconds
        self._seconds = 0.0
        self._cpu_seconds = 0.0
        self._counted = 0
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def wait(self) -> None:
        """Until all events are counted."""
        self._thread.join()

    def report(self) -> dict[str, Any]:
        """The totals and what was reached, once all events are counted."""
        self.wait()
        counted = max(1, self._counted)
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            **msgspec.structs.asdict(self._totals),
            "seconds": round(self._seconds, 2),
            "events_per_second": round(self._counted / max(self._seconds, LOOK_SECONDS), 1),
            "cpu_us_per_event": round(self._cpu_seconds / counted * 1e6, 3),
            "peak_resident_mib": round(peak_kib / 1024, 1),
        }

    def _watch(self) -> None:
        stretch = Stretch(self._warm_up_seconds)
        done = 0
        while done < self._events:
            time.sleep(LOOK_SECONDS)
            if done := self._done():
                stretch.add(Look(time.perf_counter(), done, time.process_time()))
        self._seconds = stretch.seconds
        self._cpu_seconds = stretch.cpu_seconds
        self._counted = round(stretch.counted)
        self._when_done()

    def _done(self) -> int:
        return self._totals.accepted + self._totals.duplicate


def peer_main(module: str, description: str | None, run: Callable[[Job], Mapping[str, Any]]) -> int:
    """Read the command line, do the job, and print one JSON object as the last line."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("servers", help="HOST:PORT of the broker")
    parser.add_argument("prefix", help="of the topics")
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--events", type=int, required=True, help="that the raw topic has")
    parser.add_argument("--embedded", action="store_true", help="the broker is the embedded one")
    options = parser.parse_args()
    report = run(Job(**vars(options)))
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    return 0
