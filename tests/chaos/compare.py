"""Compares what is in the topics with what the oracle expects, record by record."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.chaos.oracle import QUANTILES, Expected

Keyed = tuple[bytes | None, dict[str, Any], dict[str, bytes]]
"""Key, value and headers of a record."""

QUANTILE_ERROR = 0.01
ROUNDING_MS = 0.5


def differences(
    expected: Expected,
    accepted: Iterable[Keyed],
    rejected: Iterable[Keyed],
    views: Iterable[Keyed],
    windows: Iterable[Keyed],
) -> list[str]:
    """Everything that is missing, too much or different, a line each.

    The first three topics may repeat a record, if it is the same. ``windows`` has the newest
    values; when they were published is not compared, since a slice without a change is not.
    """
    return [
        *_accepted(expected, accepted),
        *_rejected(expected, rejected),
        *_views(expected, views),
        *_windows(expected, windows),
    ]


def _accepted(expected: Expected, records: Iterable[Keyed]) -> list[str]:
    found: list[str] = []
    actual: dict[tuple[int, int], dict[str, Any]] = {}
    ids: Counter[str] = Counter()
    for _, value, headers in records:
        partition, offset = headers["pv-src"].decode().split(":")
        place = int(partition), int(offset)
        if place not in actual:
            ids[value["eventId"]] += 1
        if actual.setdefault(place, value) != value:
            found.append(f"accepted {place} is repeated with a change")
    found += [f"event {event_id} was accepted {n} times" for event_id, n in ids.items() if n > 1]
    for place in expected.accepted.keys() | actual.keys():
        want, got = expected.accepted.get(place), actual.get(place)
        if want is not None and got is not None:
            # The worker gives an id to an event without one.
            got = {key: got[key] for key in got if key in want or key != "eventId"}
        if want != got:
            found.append(f"accepted {place}: expected {want}, got {got}")
    return found


def _rejected(expected: Expected, records: Iterable[Keyed]) -> list[str]:
    found: list[str] = []
    actual: dict[tuple[int, int], dict[str, Any]] = {}
    for _, value, _ in records:
        place = value["source"]["partition"], value["source"]["offset"]
        if actual.setdefault(place, value) != value:
            found.append(f"rejected {place} is repeated with a change")
    for place in expected.rejected.keys() | actual.keys():
        want, got = expected.rejected.get(place), actual.get(place, {}).get("reason")
        if want != got:
            found.append(f"rejected {place}: expected {want}, got {got}: {actual.get(place)}")
    return found


def _views(expected: Expected, records: Iterable[Keyed]) -> list[str]:
    """Views by everything but their ids, which the oracle does not know."""
    found: list[str] = []
    actual: dict[str, dict[str, Any]] = {}
    for _, value, _ in records:
        if actual.setdefault(value["viewId"], value) != value:
            found.append(f"view {value['viewId']} is repeated with a change")
    got = Counter(
        _text({k: v for k, v in view.items() if k != "viewId"}) for view in actual.values()
    )
    want = Counter(map(_text, expected.views))
    found += [f"view is missing: {view}" for view in (want - got).elements()]
    found += [f"view is too much: {view}" for view in (got - want).elements()]
    return found


def _windows(expected: Expected, records: Iterable[Keyed]) -> list[str]:
    found: list[str] = []
    actual = {(key or b"").decode(): value for key, value, _ in records}
    for key in sorted(expected.windows.keys() | actual.keys()):
        want, got = expected.windows.get(key), actual.get(key)
        if want is None or got is None:
            found.append(f"windows {key}: expected {want}, got {got}")
            continue
        found += [
            f"windows {key} {name}: expected {want[name]}, got {got.get(name)}"
            for name in want
            if name != "startup" and want[name] != got.get(name)
        ]
        found += [
            f"windows {key} startup {name}: expected {want['startup'][name]}, got {ms}"
            for name, ms in got["startup"].items()
            if not _is_close(name, want["startup"][name], ms)
        ]
    return found


def _is_close(name: str, want: float | None, got: float | None) -> bool:
    if name not in QUANTILES or want is None or got is None:
        return want == got
    return abs(got - want) <= QUANTILE_ERROR * want + ROUNDING_MS


def _text(view: dict[str, Any]) -> str:
    return json.dumps(view, sort_keys=True)
