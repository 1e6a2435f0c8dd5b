"""``playvitals demo`` as a user runs it, on a pipe instead of a terminal."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.integration

FIGURES_SECONDS = 60.0


def start(environ: dict[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "app.cli", "demo", *options],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_figures_move_and_every_event_is_received(
    environ_for: Callable[..., dict[str, str]],
) -> None:
    demo = start(environ_for(PARTITIONS="4"), "--viewers", "40", "--seconds", "12")
    try:
        output, _ = demo.communicate(timeout=FIGURES_SECONDS)
    finally:
        demo.kill()
    assert demo.returncode == 0, output
    plays = [int(count) for count in re.findall(r"last 1m: plays (\d+),", output)]
    assert plays, output
    assert plays[-1] > 20
    last = output.splitlines()[-1]
    counts = re.fullmatch(r"events sent (\d+), received (\d+), refused 0", last)
    assert counts, output
    assert counts[1] == counts[2]
    assert "rebuffer spike on cdn-b in" in output


def test_ctrl_c_ends_it_within_five_seconds(environ_for: Callable[..., dict[str, str]]) -> None:
    demo = start(environ_for(PARTITIONS="4"), "--viewers", "5")
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Ctrl-C"):
                break
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=5) == 0
    finally:
        demo.kill()
        demo.communicate()
