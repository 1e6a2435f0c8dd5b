"""What a load holds, and what whoever processed it must have counted."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from bench.load import Record
from models.errors import OperatorError


class Totals(msgspec.Struct):
    """Events by what became of them, and the figures that follow from them."""

    accepted: int = 0
    duplicate: int = 0
    plays: int = 0
    completions: int = 0
    rebuffers: int = 0
    rebuffer_ms: int = 0


class _Stall(msgspec.Struct, gc=False):
    duration: float = 0


class _Counted(msgspec.Struct, rename="camel", gc=False):
    """What the totals need of an event, whatever its type."""

    event: str
    session_id: str
    content_id: str = ""
    data: _Stall = msgspec.field(default_factory=_Stall)


_decode = msgspec.json.Decoder(_Counted).decode


class Tally:
    """Counts records of a load on their way; it repeats no event.

    A view starts once and is completed once. Views are told apart by 64-bit hashes, of which there
    are millions in a load of many millions of events.
    """

    def __init__(self) -> None:
        self.totals = Totals()
        self._started = set[int]()
        self._completed = set[int]()

    def watch(self, chunks: Iterable[list[Record]]) -> Iterator[list[Record]]:
        """The same chunks, counted as they pass."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def add(self, records: Iterable[Record]) -> None:
        """Count some records."""
        totals = self.totals
        for _, value, _ in records:
            event = _decode(value)
            totals.accepted += 1
            if event.event == "playStart":
                self._started.add(hash((event.session_id, event.content_id)))
            elif event.event == "completion":
                self._completed.add(hash((event.session_id, event.content_id)))
            elif event.event == "rebuffer":
                totals.rebuffers += 1
                totals.rebuffer_ms += int(event.data.duration)
        totals.plays, totals.completions = len(self._started), len(self._completed)


def totals_of(records: Iterable[Record]) -> Totals:
    """What a load holds."""
    tally = Tally()
    tally.add(records)
    return tally.totals


def totals_of_metrics(metrics: Mapping[str, float]) -> Totals:
    """What a worker counted, by its metrics summed over their labels."""
    return Totals(
        accepted=round(metrics.get("playvitals_events_total/accepted", 0)),
        duplicate=round(metrics.get("playvitals_events_total/duplicate", 0)),
        plays=round(metrics["playvitals_plays_total"]),
        completions=round(metrics["playvitals_completions_total"]),
        rebuffers=round(metrics["playvitals_rebuffers_total"]),
        rebuffer_ms=round(metrics["playvitals_rebuffer_seconds_total"] * 1000),
    )


def require_equal(name: str, found: Totals, expected: Totals) -> None:
    """A rate says nothing of who counted something else.

    Raises:
        OperatorError: they differ.
    """
    if found != expected:
        raise OperatorError(f"{name} counted {found}, the load holds {expected}: no comparison")
