"""Our worker and the peers one after the other on the same kind of load, and their ratios."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.peer_process import Peer, measure_peer
from bench.peers.programs import OURS_NOT_DURABLE, PROGRAMS, Program
from bench.sizing import load_seconds, long_enough
from bench.sustained import sustained_worker
from bench.worker_throughput import Throughput
from models.errors import OperatorError

LIMIT_EVENTS = 8_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measurement each, by the peers' names; a peer that is not to be had is missing."""

    worker: Throughput
    peers: dict[str, Peer]

    def ratio(self, name: str) -> float:
        """Our worker's rate over that of a peer."""
        return self.worker.events_per_second / self.peers[name].events_per_second

    def cpu_ratio(self, name: str) -> float:
        """The CPU time that a peer takes per event over what our worker takes.

        It tells less than the rate, since waiting takes none, and is steadier on a busy machine.
        """
        return self.peers[name].cpu_us_per_event / self.worker.cpu_us_per_event


def require_installed(programs: tuple[Program, ...] = PROGRAMS) -> None:
    """The frameworks come with ``make bench``; a program may be missing if it has no release.

    Raises:
        OperatorError: one is not installed that could be.
    """
    missing = [program for program in programs if program.released and not program.installed]
    if missing:
        names = ", ".join(program.package for program in missing)
        raise OperatorError(
            f"{names} not installed: tools/setup bench puts them into .venv-bench, whose "
            "playvitals then has them, and make bench does both"
        )


async def measure_comparison(
    seconds: float, sustained_seconds: float, seed: int, say: Callable[[str], None]
) -> Comparison:
    """Measure the peers for about ``seconds`` each and our worker for ``sustained_seconds``.

    Each has a broker of its own, a load over the same span of event time, and a warm-up that does
    not count.

    Raises:
        OperatorError: one of them failed, or counted something else than the load holds.
    """
    say("playvitals worker")
    ours = await sustained_worker(sustained_seconds, seed)
    peers = {}
    for program in PROGRAMS:
        if not program.installed:
            say(f"{program.title}: not installed, it has no release for this Python")
            continue
        say(program.title)

        async def peer(events: int, program: Program = program) -> Peer:
            return await measure_peer(program, events, seed, sustained_seconds)

        events = round(program.events_per_second * load_seconds(seconds))
        peers[program.name] = await long_enough(peer, events, seconds, LIMIT_EVENTS)
    return Comparison(ours, peers)


HEADERS = (
    *("program", "over s", "events/s", "CPU us per event", "resident MiB"),
    *("ours / it", "the same by CPU time", "what it does not keep durable"),
)


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """A line per program, ours first; :data:`HEADERS` names the cells."""
    ours = comparison.worker
    found: list[tuple[str, ...]] = [
        (
            "playvitals worker",
            f"{ours.seconds:.0f}",
            f"{ours.events_per_second:,.0f}",
            f"{ours.cpu_us_per_event:.1f}",
            f"{ours.resident_mib:,.0f}",
            "1",
            "1",
            OURS_NOT_DURABLE,
        )
    ]
    for program in PROGRAMS:
        peer = comparison.peers.get(program.name)
        if peer is None:
            found.append((program.title, "", "no release for this Python", *[""] * 5))
            continue
        found.append(
            (
                program.title,
                f"{peer.seconds:.0f}",
                f"{peer.events_per_second:,.0f}",
                f"{peer.cpu_us_per_event:.1f}",
                f"{peer.peak_resident_mib:,.0f}",
                f"{comparison.ratio(program.name):.2f}",
                f"{comparison.cpu_ratio(program.name):.2f}",
                program.not_durable,
            )
        )
    return found
