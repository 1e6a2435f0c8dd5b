"""The Prometheus of the tests, which here scrapes itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.prometheus import (
    SKIP_REASON,
    QueryError,
    missing_prometheus,
    running_prometheus,
    scrape_config,
)
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(missing_prometheus(), reason=SKIP_REASON)


async def test_it_scrapes_evaluates_rules_and_answers(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups: [{name: g, rules: [{alert: AlwaysFiring, expr: vector(1)},"
        " {record: job:up:sum, expr: sum by (job) (up)}]}]"
    )
    own_port = free_port()
    config = scrape_config(
        {"own": [f"127.0.0.1:{own_port}"]}, interval_seconds=0.5, rule_files=[rules]
    )
    async with running_prometheus(tmp_path, lambda: own_port, config) as prometheus:
        assert prometheus.address == f"127.0.0.1:{own_port}"

        async def recorded() -> bool:
            samples = await prometheus.query('job:up:sum{job="own"}')
            return [sample["value"][1] for sample in samples] == ["1"]

        await until(recorded, "the rule has been evaluated after a scrape")
        assert await prometheus.all_up()
        assert [alert["labels"]["alertname"] for alert in await prometheus.alerts()] == [
            "AlwaysFiring"
        ]
        assert "own" in await prometheus.label_values("job", "up")
        at = float((await prometheus.query("time()"))[0]["value"][1])
        series = await prometheus.query_range(
            "vector(7)", start_seconds=at - 10, end_seconds=at, step_seconds=5
        )
        assert [value for _, value in series[0]["values"]] == ["7", "7", "7"]
        with pytest.raises(QueryError, match="parse error"):
            await prometheus.query("up{")
