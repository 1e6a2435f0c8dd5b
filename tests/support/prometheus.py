"""A real Prometheus for tests: Debian's binary on a port and a folder of its own."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from app.child_process import ChildProcess
from tests.support.waiting import until

BINARY = "prometheus"
SKIP_REASON = "Debian's package prometheus is not installed"
READY_SECONDS = 60.0
STOP_SECONDS = 10.0

Sample = dict[str, Any]
"""``{"metric": {label: value}, "value": [time, text]}``, or ``"values"`` of a range."""


class QueryError(AssertionError):
    """Prometheus refused a query; the message has the query and what is wrong with it."""


def missing_prometheus() -> bool:
    """Whether this machine has no Prometheus."""
    return shutil.which(BINARY) is None


def scrape_config(
    targets: Mapping[str, Sequence[str]],
    *,
    interval_seconds: float = 1.0,
    rule_files: Sequence[Path] = (),
    alertmanagers: Sequence[str] = (),
) -> dict[str, Any]:
    """The configuration of a Prometheus.

    Args:
        targets: ``host:port`` of the processes of each job, which serve ``/metrics``.
        interval_seconds: between two scrapes, and between two evaluations of the rules.
        rule_files: recording and alert rules.
        alertmanagers: ``host:port`` of those that get the alerts.
    """
    interval = f"{interval_seconds * 1000:.0f}ms"
    every = {f"{what}_interval": interval for what in ("scrape", "evaluation")}
    return {
        "global": {**every, "scrape_timeout": interval},
        "rule_files": [str(path.resolve()) for path in rule_files],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
            for job, addresses in targets.items()
        ],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]
            if alertmanagers
            else []
        },
    }


class Prometheus:
    """A running Prometheus, by its HTTP API."""

    def __init__(self, address: str, client: httpx.AsyncClient) -> None:
        self.address = address
        self._client = client

    async def query(self, promql: str, *, at_seconds: float | None = None) -> list[Sample]:
        """The samples of an instant query: now, or at ``at_seconds`` since 1970.

        Raises:
            QueryError: Prometheus refused it.
        """
        at = {} if at_seconds is None else {"time": at_seconds}
        return _samples(await self.get("/api/v1/query", query=promql, **at))

    async def query_range(
        self, promql: str, *, start_seconds: float, end_seconds: float, step_seconds: float
    ) -> list[Sample]:
        """The series of a range query; times since 1970.

        Raises:
            QueryError: Prometheus refused it.
        """
        times = {"start": start_seconds, "end": end_seconds, "step": step_seconds}
        return _samples(await self.get("/api/v1/query_range", query=promql, **times))

    async def label_values(self, label: str, matching: str | None = None) -> list[str]:
        """The values that a label has, in the series of the selector ``matching``."""
        match = {} if matching is None else {"match[]": matching}
        values: list[str] = await self.get(f"/api/v1/label/{label}/values", **match)
        return values

    async def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing: ``labels``, ``annotations``, ``state``, …"""
        found: list[dict[str, Any]] = (await self.get("/api/v1/alerts"))["alerts"]
        return found

    async def all_up(self) -> bool:
        """Whether the last scrape of every target went well."""
        active = (await self.get("/api/v1/targets"))["activeTargets"]
        return bool(active) and all(target["health"] == "up" for target in active)

    async def get(self, path: str, **parameters: str | float) -> Any:
        """The ``data`` of an answer of the API.

        Raises:
            QueryError: it is no success.
        """
        answer = (await self._client.get(path, params=parameters)).json()
        if answer["status"] != "success":
            raise QueryError(f"{answer['error']}: {parameters}")
        return answer["data"]

    async def is_ready(self) -> bool:
        """Whether it answers queries."""
        try:
            return (await self._client.get("/-/ready")).status_code == 200
        except httpx.TransportError:
            return False


@asynccontextmanager
async def running_prometheus(
    folder: Path, free_port: Callable[[], int], config: Mapping[str, Any]
) -> AsyncIterator[Prometheus]:
    """Run a Prometheus with ``config`` until the context ends; it is entered once it is ready.

    Its data, its configuration and its log are in ``folder``.
    """
    binary = shutil.which(BINARY)
    assert binary is not None, SKIP_REASON
    config_path = _written(config, folder)
    address = f"127.0.0.1:{free_port()}"
    command = (
        binary,
        f"--config.file={config_path}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        # Debian's package names folders of its own, which the tests do not need.
        f"--web.console.templates={folder}",
        f"--web.console.libraries={folder}",
    )
    with (folder / "prometheus.log").open("w") as log:
        process = await ChildProcess.start("prometheus", command, echo=log)
        try:
            async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30.0) as client:
                prometheus = Prometheus(address, client)

                async def is_ready() -> bool:
                    assert process.running, process.last_line
                    return await prometheus.is_ready()

                await until(is_ready, "Prometheus is ready", READY_SECONDS)
                yield prometheus
        finally:
            await process.stop(STOP_SECONDS)


def _written(config: Mapping[str, Any], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prometheus.yml"
    # YAML is a superset of JSON.
    path.write_text(json.dumps(config, indent=2))
    return path


def _samples(data: dict[str, Any]) -> list[Sample]:
    if data["resultType"] == "scalar":
        return [{"metric": {}, "value": data["result"]}]
    samples: list[Sample] = data["result"]
    return samples
