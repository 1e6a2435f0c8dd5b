"""The programs that ours is compared with, and what each of them does not keep."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Program:
    """A peer: a module that :func:`bench.peers.meter.peer_main` runs.

    ``events_per_second`` is about what it does on a core, to choose a load by.
    """

    name: str
    title: str
    module: str
    package: str
    events_per_second: int
    not_durable: str
    until_python: tuple[int, int] = (4, 0)
    """The first version without a release of the package, as pyproject.toml has it."""

    @property
    def released(self) -> bool:
        """Whether there is a release of it for this Python."""
        return sys.version_info < self.until_python

    @property
    def installed(self) -> bool:
        """Whether its framework is there."""
        # Faust, once imported, has no spec.
        return self.package in sys.modules or find_spec(self.package) is not None


OURS_NOT_DURABLE = "nothing: all state is in checkpoints, every 10 s, and counted once"

PLAIN_FAUST = Program(
    name="plain_faust",
    title="textbook Faust",
    module="bench.peers.plain_faust",
    package="faust",
    events_per_second=900,
    not_durable="nothing, but what was processed since the last commit is counted twice",
)

PROGRAMS = (
    PLAIN_FAUST,
    Program(
        name="quix_streams",
        title="Quix Streams, RocksDB state",
        module="bench.peers.quix",
        package="quixstreams",
        events_per_second=15_000,
        not_durable="panes; what was processed since the last commit is forwarded twice",
    ),
    Program(
        name="bytewax",
        title="Bytewax, no recovery store",
        module="bench.peers.bytewax_flow",
        package="bytewax",
        until_python=(3, 13),
        events_per_second=30_000,
        not_durable="ids, views, panes, offsets",
    ),
    Program(
        name="aiokafka_loop",
        title="hand-written aiokafka loop",
        module="bench.peers.aiokafka_loop",
        package="aiokafka",
        events_per_second=200_000,
        not_durable="ids, views, panes, offsets",
    ),
)
