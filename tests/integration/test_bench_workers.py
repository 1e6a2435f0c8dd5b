"""The benchmarks that start whole stacks, with little load: what they count, not how fast."""

import pytest

from bench.scaling import measure_workers

pytestmark = [pytest.mark.integration, pytest.mark.acceptance]


async def test_two_workers_share_a_backlog_and_count_all_of_it() -> None:
    reached = await measure_workers(2, 300_000, seed=1)
    assert reached.workers == 2
    assert 0.5 <= reached.largest_share < 0.7
    assert reached.worker_cpu_us > 0
    assert reached.broker_cpu_us > 0
