"""Real player logs through a real broker and a real worker: the figures that ship with them."""

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from models.content_figures import COMPLETIONS, ENDED_VIEWS, PLAYS, REBUFFER_MS, WATCH_MS
from tests.integration.conftest import EnvironFor
from tests.support.contents import Gained, gained, sum_of
from tests.support.deployment import Deployment, Samples, ledger_imbalances
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SETTLED_END = "2022-07-01T01:16:00.000Z"
"""The first tick of the idle worker itself, after the twenty minutes of settling."""
DIMENSIONS = 9


class Replayed(NamedTuple):
    """What a replay left behind."""

    samples: Samples
    views: list[tuple[bytes, bytes]]
    windows: dict[tuple[str, str], dict[str, Any]]
    rejected: list[dict[str, Any]]
    contents: Gained


def rolling(samples: Samples, name: str, window: str) -> float:
    return samples.get((f"playvitals_rolling_{name}", "all", "", window), 0.0)


def events_with(samples: Samples, outcome: str) -> float:
    return sum(
        value
        for key, value in samples.items()
        if key[0] == "playvitals_events_total" and key[2] == outcome
    )


def done(samples: Samples, events: int) -> bool:
    counted = sum(value for key, value in samples.items() if key[0] == "playvitals_events_total")
    lag = sum(value for key, value in samples.items() if key[0] == "playvitals_lag_records")
    return counted == events and lag == 0


async def replay_settled(deployment: Deployment, file: Path, events: int) -> Replayed:
    async with deployment.worker():
        await deployment.command("replay", str(file), "--keep-time", "--settle", "20m")
        samples = await deployment.until_metrics(
            lambda now: done(now, events) and rolling(now, "ended_views", "2h") == 341,
            "every view has ended",
        )

        async def is_published() -> bool:
            ended = {
                record.key: value["endedViews"]
                for record in await deployment.read("windows")
                if record.key.startswith(b"2h|") and record.value is not None
                for value in [json.loads(record.value)]
                if value["end"] == SETTLED_END
            }
            return bool(sum(ended.values()) == 341 * DIMENSIONS)

        await until(is_published, "the windows at the end of the settling are out")
        return Replayed(
            samples,
            [(record.key, record.value) for record in await deployment.read("views")],
            {
                (record.key.decode(), value["end"]): value
                for record in await deployment.read("windows")
                if record.value is not None
                for value in [json.loads(record.value)]
            },
            [json.loads(record.value) for record in await deployment.read("events.rejected")],
            gained(
                (record.partition, record.value) for record in await deployment.read("contents")
            ),
        )


@pytest.fixture
def expected(reference_data: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((reference_data / "expected.json").read_text())
    return figures


async def test_last_hour_of_real_logs_has_the_figures_that_ship_with_them(
    reference_data: Path,
    expected: dict[str, Any],
    broker: dict[str, str],
    environ_for: EnvironFor,
) -> None:
    deployment = Deployment(environ_for(**broker, TOPIC_PREFIX="hour."))
    figures = expected["all"]
    async with deployment.worker():
        await deployment.command("replay", str(reference_data / "clean.ndjson.gz"), "--keep-time")
        samples = await deployment.until_metrics(
            lambda now: (
                done(now, expected["events"])
                and rolling(now, "active_viewers", "1h") == figures["views"]
            ),
            "every event is counted",
        )
    for name in ("plays", "completions", "rebuffers", "rebuffer_seconds"):
        assert rolling(samples, name, "1h") == figures[name]
        assert samples[f"playvitals_{name}_total",] == figures[name]
    for quantile, seconds in expected["startup_seconds"].items():
        got = samples["playvitals_rolling_startup_seconds", "all", quantile, "", "1h"]
        assert got == pytest.approx(seconds, rel=0.01)
    assert rolling(samples, "rebuffer_ratio", "1h") == pytest.approx(
        figures["rebuffer_ratio"], rel=0.01
    )
    watched = rolling(samples, "watch_seconds", "1h")
    assert watched == pytest.approx(figures["watch_seconds"], rel=0.01)
    assert samples["playvitals_watch_seconds_total",] == pytest.approx(watched, rel=0.001)


async def test_dirty_logs_settle_to_the_same_figures_however_often_and_over_how_many_partitions(
    reference_data: Path,
    expected: dict[str, Any],
    broker: dict[str, str],
    environ_for: EnvironFor,
) -> None:
    file = reference_data / "dirty.ndjson.gz"
    verdicts, figures = expected["dirty"], expected["all"]
    runs = []
    for prefix, partitions in (("first.", "12"), ("again.", "12"), ("one.", "1")):
        environ = environ_for(
            **broker,
            TOPIC_PREFIX=prefix,
            PARTITIONS=partitions,
            WINDOWS="1m,2h",
        )
        runs.append(await replay_settled(Deployment(environ), file, verdicts["records"]))
    with gzip.open(file) as lines:
        sent = {line.rstrip(b"\n").decode() for line in lines}
    for run in runs:
        samples = run.samples
        for name in ("plays", "completions", "rebuffers", "rebuffer_seconds", "rebuffered_views"):
            assert rolling(samples, name, "2h") == figures[name]
        assert rolling(samples, "exits_before_start", "2h") == expected["exits_before_start"]
        for outcome, count in (
            ("accepted", verdicts["accepted"]),
            ("duplicate", verdicts["duplicates"]),
            ("rejected", sum(verdicts["rejected"].values())),
        ):
            assert events_with(samples, outcome) == count
        for reason, count in verdicts["rejected"].items():
            assert samples["playvitals_rejected_total", reason] == count
        imbalances = ledger_imbalances(samples)
        assert imbalances
        assert not any(imbalances)
        assert len(run.views) == figures["views"]
        assert len(run.rejected) == 60
        assert all(record["raw"] in sent for record in run.rejected)
        assert sum_of(run.contents, PLAYS) == figures["plays"]
        assert sum_of(run.contents, COMPLETIONS) == figures["completions"]
        assert sum_of(run.contents, REBUFFER_MS) == figures["rebuffer_seconds"] * 1000
        assert sum_of(run.contents, WATCH_MS) == rolling(samples, "watch_seconds", "2h") * 1000
        assert sum_of(run.contents, ENDED_VIEWS) == figures["plays"]
    first, again, one = runs
    # Raw partitions are read side by side, so only the order within each of them is fixed.
    assert again.contents == one.contents == first.contents
    assert sorted(again.views) == sorted(one.views) == sorted(first.views)
    at_end = {key for key in first.windows if key[1] == SETTLED_END}
    assert at_end
    for run in (again, one):
        assert {key for key in run.windows if key[1] == SETTLED_END} == at_end
        assert [run.windows[key] for key in at_end] == [first.windows[key] for key in at_end]
