"""What all tests share: hypothesis profiles, a clean environment, free ports, reference data."""

import contextlib
import os
import random
import socket
from collections.abc import Callable, Generator
from pathlib import Path

import hypothesis
import pytest

from app.compiled_core import require_current_core
from models.errors import OperatorError

_NO_SKIPS = bool(os.environ.get("PLAYVITALS_TEST_NO_SKIPS"))
_PORTS = range(12_000, 32_000)
_NO_DATA = "the reference data folder is absent"

# A shared machine pauses a process now and then, so a deadline per example only makes noise.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure() -> None:
    """What is tested is what the sources say."""
    try:
        require_current_core()
    except OperatorError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test whose tool is missing fails: nobody would notice the skip."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that skips itself as a whole."""
    report = yield
    _forbid_skip(report)
    return report


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (_NO_SKIPS and report.skipped):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if _NO_DATA not in reason:
        report.outcome = "failed"
        report.longrepr = f"skips are forbidden here (PLAYVITALS_TEST_NO_SKIPS): {reason}"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings do not reach the tests."""
    for name in list(os.environ):
        if name.startswith("PLAYVITALS_") and not name.startswith("PLAYVITALS_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a loopback port that nobody listens on, another one at every call.

    From below the range that the system gives to clients, which might take one before a server
    does.
    """
    candidates = list(_PORTS)
    random.shuffle(candidates)

    def give() -> int:
        while True:
            port = candidates.pop()
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                return port

    return give


@pytest.fixture(scope="session")
def free_port_pair(free_port: Callable[[], int]) -> Callable[[], int]:
    """Gives a port as ``free_port`` does, of which the next one is free too."""

    def give() -> int:
        while True:
            port = free_port()
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port + 1))
                return port

    return give


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder with real player logs and the figures they must give."""
    root = Path(__file__).resolve().parents[1]
    default = root.parent / "shared" / "data" / "youtube-5g"
    folder = Path(os.environ.get("PLAYVITALS_TEST_DATA") or default)
    if not (folder / "expected.json").is_file():
        pytest.skip(f"{_NO_DATA}: {folder}; name another in PLAYVITALS_TEST_DATA")
    return folder
