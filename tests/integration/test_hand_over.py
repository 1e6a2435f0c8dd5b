"""Partitions that move between workers: nothing is lost, nothing is counted twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.conftest import EnvironFor
from tests.support.deployment import Deployment, Samples, ledger_imbalances
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PARTITIONS = 4


def figures(all_samples: Sequence[Samples]) -> list[float]:
    """Rolling figures as the contract says to query them: the maximum over the instances."""
    names = ("plays", "completions", "rebuffers", "rebuffer_seconds", "watch_seconds")
    return [
        max(
            samples.get((f"playvitals_rolling_{name}", "all", "", "2h"), 0.0)
            for samples in all_samples
        )
        for name in names
    ]


async def test_second_worker_joins_and_leaves_without_changing_a_figure(
    reference_data: Path, broker: dict[str, str], environ_for: EnvironFor
) -> None:
    common = {
        **broker,
        "TOPIC_PREFIX": "hand-over.",
        "PARTITIONS": str(PARTITIONS),
        "WINDOWS": "1m,2h",
    }
    first, second = (Deployment(environ_for(**common)) for _ in range(2))
    async with first.worker():
        await first.command("replay", str(reference_data / "clean.ndjson.gz"), "--keep-time")
        alone = await first.until_metrics(
            lambda now: figures([now])[:2] == [332.0, 257.0], "every event is counted"
        )
        expected = figures([alone])
        async with second.worker():

            async def is_shared() -> bool:
                both = [await first.metrics(), await second.metrics()]
                return all(map(ledger_imbalances, both)) and figures(both) == expected

            await until(is_shared, "both own partitions and the figures are whole again")
        after = await first.until_metrics(
            lambda now: len(ledger_imbalances(now)) == PARTITIONS and figures([now]) == expected,
            "the first worker has everything again",
        )
    assert ledger_imbalances(after) == [0.0] * PARTITIONS
