"""The health check of a container."""

import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from app.probe import default_urls, is_healthy, main
from app.settings import load_settings


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a server that answers /healthz with 200 and everything else with 503."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_server_that_answers_with_success_is_healthy(server: str) -> None:
    assert is_healthy(f"{server}/healthz")


def test_server_that_answers_with_an_error_is_not(server: str) -> None:
    assert not is_healthy(f"{server}/readyz")


def test_server_that_is_not_there_is_not(free_port: Callable[[], int]) -> None:
    assert not is_healthy(f"http://127.0.0.1:{free_port()}/healthz")


def test_server_that_never_answers_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not is_healthy(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_seconds=0.1)


def test_server_that_speaks_something_else_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as strange:

        def answer() -> None:
            connection, _ = strange.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = Thread(target=answer)
        thread.start()
        assert not is_healthy(f"http://127.0.0.1:{strange.getsockname()[1]}/")
        thread.join()


def test_one_address_that_answers_is_enough(
    server: str, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/healthz"
    assert main([nobody, f"{server}/healthz"]) == 0
    assert main([nobody]) == 1
    assert capsys.readouterr().err == f"no answer from {nobody}\n"


def test_addresses_of_the_settings_are_asked_through_loopback() -> None:
    settings = load_settings(
        {
            "PLAYVITALS_API_ADDRESS": "0.0.0.0:8081",
            "PLAYVITALS_METRICS_ADDRESS": "0.0.0.0:6067",
        }
    )
    expected = ["http://127.0.0.1:8081/healthz", "http://127.0.0.1:6067/healthz"]
    assert default_urls(settings) == expected
