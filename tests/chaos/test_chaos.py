"""A cluster under every fault: each figure is the one that an independent account gives."""

import json
import sys

import pytest

from app.child_process import ChildProcess
from tests.chaos.faults import FAULTS
from tests.chaos.harness import LEAST_EVENTS
from tests.support.kafka_node import missing_tools

pytestmark = [pytest.mark.integration, pytest.mark.acceptance]

STOP_SECONDS = 30.0


@pytest.mark.timeout(1200)
async def test_no_fault_changes_a_figure() -> None:
    if missing := missing_tools():
        pytest.skip(f"a cluster that loses brokers needs {' and '.join(missing)}")
    command = (sys.executable, "-m", "tests.chaos", "--seed", "1", "--seconds", "60")
    process = await ChildProcess.start("chaos", command, echo=sys.stderr)
    try:
        code = await process.wait()
    finally:
        await process.stop(STOP_SECONDS)
    assert code == 0, process.last_line
    report = json.loads(process.last_line)
    assert report["differences"] == 0
    assert report["events"] >= LEAST_EVENTS
    assert report["faults"].keys() == set(FAULTS)
