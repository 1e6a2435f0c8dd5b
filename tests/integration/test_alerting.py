"""Prometheus and Alertmanager take the shipped files, and do with them what is meant."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.child_process import ChildProcess
from tests.support.waiting import until

ROOT = Path(__file__).parents[2] / "dashboards"
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
TESTS = sorted((ROOT / "prometheus" / "tests").glob("*.yml"))
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.yml"
BINARY = "prometheus-alertmanager"

needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="Debian's package prometheus is not installed"
)
needs_alertmanager = pytest.mark.skipif(
    shutil.which("amtool") is None or shutil.which(BINARY) is None,
    reason="Debian's package prometheus-alertmanager is not installed",
)


def run(*command: str | Path) -> str:
    """The output of a program that must succeed."""
    done = subprocess.run(  # noqa: S603 - programs and files are our own
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_prometheus
def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    output = run("promtool", "check", "config", ROOT / "prometheus" / "prometheus.yml")
    assert f"{len(RULES)} rule files found" in output
    run("promtool", "check", "rules", *RULES)


@needs_prometheus
@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_as_their_tests_say(tests: Path) -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", tests)


@needs_alertmanager
def test_alertmanager_takes_the_routes() -> None:
    run("amtool", "check-config", ALERTMANAGER)
    for severity, receiver in (("page", "page"), ("ticket", "ticket"), ("else", "ticket")):
        route = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")
        assert run("amtool", *route, f"severity={severity}").strip() == receiver


def labels_of_rules() -> dict[str, dict[str, str]]:
    """The labels that each alert has by its rule."""
    return {
        rule["alert"]: {"alertname": rule["alert"], **rule["labels"]}
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


@needs_alertmanager
async def test_trouble_of_the_pipeline_silences_what_it_explains(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = (
        str(shutil.which(BINARY)),
        f"--config.file={ALERTMANAGER}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    with (tmp_path / "log").open("w") as log:
        process = await ChildProcess.start("alertmanager", command, echo=log)
        try:
            async with httpx.AsyncClient(base_url=f"http://{address}", timeout=10.0) as client:

                async def is_ready() -> bool:
                    assert process.running, process.last_line
                    try:
                        return (await client.get("/-/ready")).status_code == 200
                    except httpx.TransportError:
                        return False

                await until(is_ready, "Alertmanager is ready", 30.0)
                assert await silenced(client, "RebufferSpike", "WorkerDown", "NotFresh") == {
                    "RebufferSpike": {"NotFresh"},
                }
                assert await silenced(client, "RebufferSpike", "SliceRebuffering") == {}
                assert await silenced(client, "NoData", "TrafficDrop", "StartupSlow") == {
                    "TrafficDrop": {"NoData"},
                    "StartupSlow": {"NoData"},
                }
                assert await silenced(client, "LagGrowing", "PartitionStuck") == {
                    "PartitionStuck": {"LagGrowing"}
                }
                assert await silenced(client, "ApiDown", "ApiErrors", "NoData") == {}
                # Of one process, and of two.
                one, two = {"instance": "w-1"}, {"instance": "w-2"}
                assert await silenced(
                    client, "WorkerDown", "CheckpointStale", WorkerDown=one, CheckpointStale=one
                ) == {"CheckpointStale": {"WorkerDown"}}
                assert (
                    await silenced(
                        client, "WorkerDown", "CheckpointStale", WorkerDown=one, CheckpointStale=two
                    )
                    == {}
                )
        finally:
            await process.stop(10.0)


async def silenced(
    client: httpx.AsyncClient, *names: str, **more: dict[str, str]
) -> dict[str, set[str]]:
    """Which of these alerts are inhibited while all of them and no others fire, and by which.

    ``more`` are labels that the series give to the alert of that name.
    """
    known = labels_of_rules()
    before = (await client.get("/api/v2/alerts")).raise_for_status().json()
    ended = [{"labels": alert["labels"], "endsAt": _now()} for alert in before]
    (await client.post("/api/v2/alerts", json=ended)).raise_for_status()
    firing = [{"labels": known[name] | more.get(name, {})} for name in names]
    (await client.post("/api/v2/alerts", json=firing)).raise_for_status()
    found: list[dict[str, Any]] = []

    async def all_are_known() -> bool:
        found[:] = (await client.get("/api/v2/alerts")).raise_for_status().json()
        states = {alert["labels"]["alertname"]: alert["status"]["state"] for alert in found}
        return set(states) == set(names) and "unprocessed" not in states.values()

    await until(all_are_known, "the alerts are processed", 60.0)
    by_fingerprint = {alert["fingerprint"]: alert["labels"]["alertname"] for alert in found}
    return {
        alert["labels"]["alertname"]: {by_fingerprint[id_] for id_ in inhibited}
        for alert in found
        if (inhibited := alert["status"]["inhibitedBy"])
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()
