"""The benchmark of freshness on a whole stack, at a rate that any machine keeps up with."""

import asyncio
import re
from collections import Counter

import aiohttp
import pytest

from bench.latency import Sender
from bench.probes import Probes
from bench.stack import empty_stack

pytestmark = [pytest.mark.integration, pytest.mark.acceptance]

SECONDS = 3.0
RATE = 200.0


@pytest.mark.timeout(180)
async def test_probes_are_followed_through_a_whole_stack_among_different_events() -> None:
    async with empty_stack(PARTITIONS="3") as stack, aiohttp.ClientSession() as session:
        await stack.start_api()
        await stack.start_workers(1)
        await stack.until_ready(session)
        sender = Sender(stack, session, seed=1)
        probes = Probes(stack, session, "worker-1")
        stop = asyncio.Event()
        measuring = asyncio.create_task(probes.measure(stop))
        sent = await sender.send(RATE, SECONDS)
        stop.set()
        latencies = await measuring
        await sender.drain()
        metrics = (await stack.metrics(session, "worker-1")).decode()

    outcomes = Counter[str]()
    for outcome, value in re.findall(
        r'^playvitals_events_total\{.*"(\w+)"\} (\S+)$', metrics, re.M
    ):
        outcomes[outcome] += round(float(value))

    assert len(latencies) == probes.sent >= SECONDS
    assert latencies[0] > 0
    assert set(sent.cores) == {"broker", "api", "worker-1", "measuring", "load"}
    assert min(sent.cores[name] for name in ("broker", "api", "worker-1", "load")) > 0
    assert outcomes["accepted"] >= sent.answered_events_per_second * SECONDS
    assert outcomes["duplicate"] == outcomes["rejected"] == 0
