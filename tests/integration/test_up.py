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
VIEWERS = 60


class Up:
    """A running ``playvitals up`` and what it printed until it was ready."""

    def __init__(self, environ: dict[str, str], *arguments: str) -> None:
        started = time.monotonic()
        self.environ = environ
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "app.cli", "up", *arguments],
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

    def get(self, setting: str, path: str, further: int = 0) -> str:
        """The answer of the server of a setting, or of that so many ports further."""
        host, _, port = self.environ[setting].rpartition(":")
        url = f"http://{host}:{int(port) + further}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
        return body.decode()


@pytest.fixture
def two_workers(
    environ_for: Callable[..., dict[str, str]], free_port_pair: Callable[[], int]
) -> Iterator[Up]:
    address = f"127.0.0.1:{free_port_pair()}"
    running = Up(environ_for(PARTITIONS="4", METRICS_ADDRESS=address), "--workers", "2")
    yield running
    running.process.kill()
    running.process.communicate()


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


def send_plays(up: Up) -> None:
    """One first frame per viewer, in one batch."""
    events = [
        {
            "event": "playStart",
            "contentId": f"video-{number % 7}",
            "sessionId": f"session-{number}",
            "data": {"startupTime": 100 + number},
        }
        for number in range(VIEWERS)
    ]
    request = urllib.request.Request(
        f"http://{up.environ['PLAYVITALS_API_ADDRESS']}/v1/events/batch",
        json.dumps({"events": events}).encode(),
        {"Authorization": "Bearer pk_test_demo", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
        assert json.load(answer)["data"] == {"received": VIEWERS, "failed": 0, "errors": []}


def values(metrics: str, name: str, *labels: str) -> list[float]:
    """The values of the series of a name that have all of these labels."""
    series = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", metrics, re.M)
    return [float(value) for found, value in series if set(labels) <= set(found.split(","))]


def test_two_workers_share_the_partitions_and_their_figures_add_up(two_workers: Up) -> None:
    up = two_workers
    send_plays(up)
    all_viewers = ('dimension="all"', 'window="1m"')
    deadline = time.monotonic() + FIGURE_SECONDS
    while True:
        both = [up.get("PLAYVITALS_METRICS_ADDRESS", "/metrics", further) for further in (0, 1)]
        plays = [sum(values(metrics, "playvitals_plays_total")) for metrics in both]
        rolling = [
            value
            for metrics in both
            for value in values(metrics, "playvitals_rolling_plays", *all_viewers)
        ]
        if (sum(plays), rolling) == (VIEWERS, [VIEWERS]):
            break
        assert time.monotonic() < deadline, (plays, rolling)
        time.sleep(0.1)
    assert min(plays) > 0
    assert sum(sum(values(metrics, "playvitals_startup_seconds_count")) for metrics in both) == (
        VIEWERS
    )
    owned = [
        re.findall(r'^playvitals_lag_records\{partition="(\d+)"\}', metrics, re.M)
        for metrics in both
    ]
    assert sorted(map(len, owned)) == [2, 2]
    assert sorted(owned[0] + owned[1]) == ["0", "1", "2", "3"]

    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=5) == 0
