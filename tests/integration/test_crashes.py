"""Workers that die or stall while they count: the figures are those of an undisturbed run."""

import asyncio
import gzip
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.child_process import ChildProcess
from models.content_figures import COMPLETIONS, PLAYS, REBUFFER_MS, WATCH_MS
from tests.integration.conftest import EnvironFor
from tests.support.contents import gained, sum_of
from tests.support.deployment import Deployment, Samples, ledger_imbalances
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

PARTITIONS = 4
SESSION_SECONDS = 3


def rolling(samples: Samples, name: str) -> float:
    return samples.get((f"playvitals_rolling_{name}", "all", "", "2h"), 0.0)


def counted(samples: Samples) -> float:
    return sum(v for k, v in samples.items() if k[0] == "playvitals_events_total")


def has_rolling_series(samples: Samples) -> bool:
    return any(key[0].startswith("playvitals_rolling_") for key in samples)


@pytest.fixture
def figures(reference_data: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((reference_data / "expected.json").read_text())
    return dict(expected["all"])


@pytest.fixture
def halves(reference_data: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The real logs in two files."""
    with gzip.open(reference_data / "clean.ndjson.gz") as file:
        lines = file.readlines()
    files = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    middle = len(lines) // 2
    files[0].write_bytes(b"".join(lines[:middle]))
    files[1].write_bytes(b"".join(lines[middle:]))
    return files


@pytest.fixture
def environ_of(
    apache_kafka: str, environ_for: EnvironFor, request: pytest.FixtureRequest
) -> Callable[[], dict[str, str]]:
    """The environment of one more worker of a deployment."""

    def build() -> dict[str, str]:
        return environ_for(
            KAFKA=apache_kafka,
            TOPIC_PREFIX=f"{request.node.name}.",
            PARTITIONS=str(PARTITIONS),
            WINDOWS="1m,2h",
            CHECKPOINT_SECONDS="1",
            SESSION_TIMEOUT_SECONDS=str(SESSION_SECONDS),
            # Small folds, so that there is a middle to die in.
            FOLD_RECORDS="10",
        )

    return build


def matches(samples: Samples, figures: dict[str, Any]) -> bool:
    exact = all(
        rolling(samples, name) == figures[name]
        for name in ("plays", "completions", "rebuffers", "rebuffer_seconds")
    )
    watched = rolling(samples, "watch_seconds")
    return exact and watched == pytest.approx(figures["watch_seconds"], rel=0.01)


async def test_replay_of_real_logs_with_a_kill_in_its_middle_has_their_figures(
    halves: tuple[Path, Path],
    figures: dict[str, Any],
    environ_of: Callable[[], dict[str, str]],
) -> None:
    deployment = Deployment(environ_of())
    async with deployment.worker() as worker:
        await deployment.command("replay", str(halves[0]), "--keep-time")
        before = counted(
            await deployment.until_metrics(lambda now: counted(now) > 0, "some are counted")
        )
        replay = asyncio.create_task(deployment.command("replay", str(halves[1]), "--keep-time"))
        await deployment.until_metrics(lambda now: counted(now) > before, "it goes on counting")
        os.kill(worker.pid, signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
        await replay
    async with deployment.worker():
        after = await deployment.until_metrics(
            lambda now: matches(now, figures), "the figures are those that ship with the logs"
        )

        async def contents_match() -> bool:
            found = gained((r.partition, r.value) for r in await deployment.read("contents"))
            return (
                sum_of(found, PLAYS) == figures["plays"]
                and sum_of(found, COMPLETIONS) == figures["completions"]
                and sum_of(found, REBUFFER_MS) == figures["rebuffer_seconds"] * 1000
                and sum_of(found, WATCH_MS) == rolling(after, "watch_seconds") * 1000
            )

        await until(contents_match, "what contents gained adds up to the same")
    assert ledger_imbalances(after) == [0.0] * PARTITIONS


async def test_worker_that_was_stalled_beyond_its_session_changes_nothing_and_shows_nothing(
    halves: tuple[Path, Path],
    figures: dict[str, Any],
    environ_of: Callable[[], dict[str, str]],
) -> None:
    stalled, other = Deployment(environ_of()), Deployment(environ_of())

    async def owned(deployment: Deployment) -> int:
        return len(ledger_imbalances(await deployment.metrics()))

    async def wake(worker: ChildProcess) -> None:
        os.kill(worker.pid, signal.SIGCONT)
        assert not has_rolling_series(await stalled.metrics()), "figures of lost partitions"

    async with stalled.worker() as worker:
        await stalled.command("replay", str(halves[0]), "--keep-time")
        await stalled.until_metrics(lambda now: rolling(now, "plays") > 0, "some are counted")
        async with other.worker():
            os.kill(worker.pid, signal.SIGSTOP)
            try:

                async def other_has_everything() -> bool:
                    return await owned(other) == PARTITIONS

                await until(other_has_everything, "the partitions have moved")
                await other.command("replay", str(halves[1]), "--keep-time")
                await other.until_metrics(lambda now: matches(now, figures), "all is counted")
            finally:
                await wake(worker)

            async def is_shared() -> bool:
                return await owned(stalled) + await owned(other) == PARTITIONS

            await until(is_shared, "the partitions are shared")
        # The figures are of all partitions, whoever owns them: they match before these moved back.
        after = await stalled.until_metrics(
            lambda now: len(ledger_imbalances(now)) == PARTITIONS and matches(now, figures),
            "it has everything, and the figures are those that ship with the logs",
        )
    assert ledger_imbalances(after) == [0.0] * PARTITIONS
    views = [json.loads(record.value or b"") for record in await stalled.read("views")]
    distinct = {view["viewId"]: view for view in views}
    assert all(distinct[view["viewId"]] == view for view in views)
