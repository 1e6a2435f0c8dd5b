"""The programs beside ours count what a load holds, also on a Kafka that is slow to tell of topics.

Those whose frameworks only the environment of the benchmarks has are checked there, by every run;
so are all of them on the embedded broker.
"""

import sys

import pytest

from bench.peer_process import measure_peer
from bench.peers.programs import PROGRAMS, Program
from tests.on_kafka import main, run_on_kafka
from tests.support.kafka_node import missing_tools

pytestmark = [pytest.mark.integration, pytest.mark.acceptance]
LOOP = pytest.mark.asyncio(loop_scope="module")

SECONDS = 2.0
"""Of work: what is counted at one look has no rate."""
OURS_TOO = [program for program in PROGRAMS if program.package in ("faust", "aiokafka")]


@LOOP
@pytest.mark.parametrize("program", OURS_TOO, ids=lambda program: program.name)
async def test_a_program_counts_what_the_load_holds(
    program: Program, apache_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYVITALS_KAFKA", apache_kafka)
    events = round(program.events_per_second * SECONDS)
    reached = await measure_peer(program, events, seed=1, seconds=SECONDS)
    assert reached.events == events
    assert reached.events_per_second > 0


@LOOP
async def test_a_command_runs_beside_a_kafka_and_its_exit_code_is_kept() -> None:
    if missing := missing_tools():
        pytest.skip(f"needs {' and '.join(missing)}")
    check = (
        "import os, socket; host, port = os.environ['PLAYVITALS_KAFKA'].split(':');"
        "socket.create_connection((host, int(port)), 5).close(); raise SystemExit(7)"
    )
    assert await run_on_kafka((sys.executable, "-c", check)) == 7


def test_without_a_command_it_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(()) == 2
    assert "COMMAND" in capsys.readouterr().err
