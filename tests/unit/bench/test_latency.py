import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.partitioner import partition_for
from app.settings import load_settings
from bench.http_load import requests_of
from bench.latency import BOUNDS_SECONDS, Freshness, Sent, freshness, highest
from bench.probes import Probes
from bench.stack import Stack, summed
from models.errors import OperatorError

METRICS = b"""# TYPE playvitals_events_total counter
playvitals_events_total{event="playStart",outcome="accepted"} 41.0
playvitals_events_total{event="swipe",outcome="duplicate"} 1e+03
playvitals_events_created{event="swipe"} 5.0
process_cpu_seconds_total 2.5
"""


def sent(**changes: Any) -> Sent:
    given: dict[str, Any] = {
        "events_per_second": 1_000.0,
        "answered_events_per_second": 1_000.0,
        "refused_requests": 0,
        "backlog_seconds": 0.1,
        "cores": {},
    }
    return Sent(**(given | changes))


def searched(limit: float) -> tuple[float, list[float]]:
    """What is found where rates up to ``limit`` are kept up with, and the rates that were tried."""
    tried: list[float] = []

    async def kept_up(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    return asyncio.run(highest(kept_up)), tried


@pytest.mark.parametrize(
    ("limit", "found"), [(10_000.0, 10_000.0), (37_000.0, 35_000.0), (39_999.0, 37_500.0)]
)
def test_highest_rate_is_found_to_an_eighth_of_the_gap(limit: float, found: float) -> None:
    assert searched(limit)[0] == found


def test_a_slow_machine_gets_a_lower_rate() -> None:
    found, tried = searched(3_000.0)
    assert found == 2_812.5
    assert tried[:3] == [10_000.0, 5_000.0, 2_500.0]


def test_a_stack_that_keeps_up_with_nothing_has_no_capacity() -> None:
    with pytest.raises(OperatorError, match="does not keep up"):
        searched(0.0)


def test_a_rate_is_kept_up_with_by_api_and_worker() -> None:
    assert sent().kept_up
    assert not sent(answered_events_per_second=900.0).kept_up
    assert not sent(refused_requests=1).kept_up
    assert not sent(backlog_seconds=1.5).kept_up


def test_freshness_gives_the_quantiles_and_what_is_promised() -> None:
    found = freshness(0.5, [number / 100 for number in range(200)], sent())
    assert (found.p50_seconds, found.p99_seconds, found.longest_seconds) == (1.0, 1.98, 1.99)
    assert found.bound_seconds == BOUNDS_SECONDS[0.5] == 5.0
    assert Freshness(0.9, 1, 1.0, 1.0, 1.0, sent()).bound_seconds is None


def test_a_metric_is_summed_over_its_labels() -> None:
    assert summed(METRICS, "playvitals_events_total") == 1041.0
    assert summed(METRICS, "process_cpu_seconds_total") == 2.5
    assert summed(METRICS, "playvitals_events") == 0.0


ENOUGH = 8
"""Probes: every partition had some."""


class Answer:
    status = 200

    async def __aenter__(self) -> "Answer":
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Deployment:
    """An API that remembers probes, and a worker that shows all those but the last few."""

    def __init__(self, behind: int) -> None:
        self.settings = load_settings({"PLAYVITALS_PARTITIONS": "3"})
        self.parts = {"api": SimpleNamespace(url="http://api")}
        self.behind = behind
        self.events: list[dict[str, Any]] = []
        self.enough = asyncio.Event()

    def post(self, url: str, json: dict[str, Any], headers: dict[str, str]) -> Answer:
        self.events.append(json)
        if len(self.events) == ENOUGH:
            self.enough.set()
        return Answer()

    async def metrics(self, session: object, name: str) -> bytes:
        shown = self.events[: len(self.events) - self.behind]
        lines = [
            b'playvitals_rolling_plays{dimension="cdn",value="probe-%d",window="%b"} %d.0'
            % (partition, window, sum(event["cdn"] == f"probe-{partition}" for event in shown))
            for partition in range(3)
            for window in (b"1h", b"5m")
        ]
        return b"\n".join(lines)


async def followed(deployment: Deployment) -> tuple[Probes, list[float]]:
    """The probes of a moment, those that stay behind shown once no more are sent."""
    probes = Probes(cast(Stack, deployment), cast(Any, deployment), "worker-1")
    stop = asyncio.Event()
    measuring = asyncio.create_task(probes.measure(stop))
    await deployment.enough.wait()
    stop.set()
    deployment.behind = 0
    return probes, await measuring


def test_every_probe_is_followed_and_told_apart_by_its_partition() -> None:
    deployment = Deployment(behind=2)
    probes, latencies = asyncio.run(followed(deployment))
    assert len(latencies) == probes.sent == len(deployment.events) >= ENOUGH
    assert 0 <= latencies[0] <= latencies[-1] < 10
    for event in deployment.events:
        partition = partition_for(event["sessionId"].encode(), 3)
        assert event["cdn"] == f"probe-{partition}"


def test_a_probe_counts_once_however_often_it_is_seen() -> None:
    deployment = Deployment(behind=0)
    probes, latencies = asyncio.run(followed(deployment))
    body = asyncio.run(deployment.metrics(None, ""))
    probes.see(body, 1e9)
    assert len(latencies) == probes.sent


def test_requests_hold_as_many_different_events_as_wanted() -> None:
    requests = requests_of(10, "pk", 1, events=30, span_seconds=5.0)
    ids = {part[:16] for request in requests for part in request.split(b'"eventId":"')[1:]}
    assert (len(requests), len(ids)) == (3, 30)
