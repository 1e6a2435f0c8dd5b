"""What a load holds, and what whoever processed it must have counted."""

from collections.abc import Iterable, Mapping
from typing import Any

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


def totals_of(records: Iterable[Record]) -> Totals:
    """What a load holds; it repeats no event. A view starts once and is completed once."""
    totals = Totals()
    started, completed = set[tuple[str, str]](), set[tuple[str, str]]()
    for _, value, _ in records:
        event: dict[str, Any] = msgspec.json.decode(value)
        totals.accepted += 1
        name = event["event"]
        view = event["sessionId"], event.get("contentId", "")
        if name == "playStart":
            started.add(view)
        elif name == "completion":
            completed.add(view)
        elif name == "rebuffer":
            totals.rebuffers += 1
            totals.rebuffer_ms += event["data"]["duration"]
    totals.plays, totals.completions = len(started), len(completed)
    return totals


def totals_of_metrics(metrics: Mapping[str, float]) -> Totals:
    """What a worker counted, by its metrics summed over their labels."""
    return Totals(
        accepted=round(metrics["playvitals_events_total"]),
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
