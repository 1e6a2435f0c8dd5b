"""What a run found out."""

import json
import sys
import time
from dataclasses import asdict, dataclass

MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run, and everything that is not as it should be.

    ``events`` are those of the raw topic, ``received`` those that the API took, ``repeated`` the
    records of ``events.accepted`` that came again, ``unasked_ends`` how often a process ended that
    no fault had asked to, and was started again.
    """

    seed: int
    events: int
    received: int
    repeated: int
    unasked_ends: int
    faults: dict[str, int]
    differences: list[str]
    seconds: float

    def line(self) -> str:
        """One JSON object; ``differences`` is their number."""
        return json.dumps(
            asdict(self) | {"differences": len(self.differences), "seconds": round(self.seconds, 1)}
        )


class Journal:
    """Tells on standard error what happens, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def __call__(self, line: str) -> None:
        print(f"{self.seconds:7.1f} s  {line}", file=sys.stderr, flush=True)

    def differences(self, lines: list[str]) -> None:
        """Print what is wrong, the beginning of a long list."""
        for line in lines[:MOST_LINES]:
            print(f"DIFFERENCE {line}", file=sys.stderr)
        if len(lines) > MOST_LINES:
            print(f"… and {len(lines) - MOST_LINES} more", file=sys.stderr)
