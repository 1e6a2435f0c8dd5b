"""``playvitals up`` as a user runs it: the printed curl, the metrics, Ctrl-C."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

pytestmark = pytest.mark.integration

READY_SECONDS = 30.0
FIGURE_SECONDS = 10.0


class Up:
    """A running ``playvitals up`` and what it printed until it was ready."""

    def __init__(self, environ: dict[str, str]) -> None:
        started = time.monotonic()
        self.environ = environ
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "up"],
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.welcome: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.welcome.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        self.startup_seconds = time.monotonic() - started

    def get(self, setting: str, path: str) -> str:
        url = f"http://{self.environ[setting]}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
        return body.decode()


@pytest.fixture
def up(environ_for: Callable[..., dict[str, str]]) -> Iterator[Up]:
    running = Up(environ_for(PARTITIONS="4"))
    yield running
    running.process.kill()
    running.process.communicate()


def send_first_event(up: Up) -> dict[str, object]:
    """Do what the printed curl does."""
    curl = next(line for line in up.welcome if line.startswith("curl "))
    words = shlex.split(curl)
    headers = dict(
        words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H"
    )
    url = next(word for word in words if word.startswith("http://"))
    body = words[words.index("-d") + 1].encode()
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
        decoded: dict[str, object] = json.load(answer)
    return decoded


def test_the_printed_curl_becomes_a_figure_and_ctrl_c_ends_it(up: Up) -> None:
    assert up.startup_seconds < READY_SECONDS, up.welcome
    assert "200" in up.get("PLAYVITALS_API_ADDRESS", "/openapi.json")

    answer = send_first_event(up)
    assert isinstance(answer["data"], dict)
    assert answer["data"]["received"] is True

    figure = re.compile(
        r'^playvitals_rolling_plays\{(?=.*dimension="all")(?=.*window="1m").*\} 1(\.0)?$', re.M
    )
    deadline = time.monotonic() + FIGURE_SECONDS
    while not figure.search(metrics := up.get("PLAYVITALS_METRICS_ADDRESS", "/metrics")):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.1)

    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=5) == 0
