"""Stand-ins for the API and the worker, and a supervisor of them to send signals to.

``fake_stack.py api|worker`` answers /readyz with 200 on the address of its setting. What is in
FAKE_API or FAKE_WORKER changes it: ``dies`` ends it with a message before it is ready, ``stubborn``
makes it ignore SIGTERM, ``parent`` makes it start a process of its own. FAKE_WORKER=``late PORT``
makes the worker at this port start late, and the others not ready for a while once it is there, as
workers are whose group gets another member.
``fake_stack.py up`` runs the stack with them and prints ``ready`` and then the pids.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from app.interrupts import run_until_stopped
from app.settings import load_settings
from app.supervisor import running_stack

COMMAND = (sys.executable, __file__)


LATE_SECONDS = 0.5


class _Ready(BaseHTTPRequestHandler):
    late_port = 0
    ready_at_seconds = 0.0

    def do_GET(self) -> None:
        if self.late_port and _listens(self.late_port):
            _Ready.late_port = 0
            _Ready.ready_at_seconds = time.monotonic() + LATE_SECONDS
        status = 200 if time.monotonic() >= self.ready_at_seconds else 503
        self.send_response(status if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing about requests."""


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def _serve(role: str) -> None:
    manner = os.environ.get(f"FAKE_{role.upper()}", "")
    print(f"pid {os.getpid()}", flush=True)
    if manner == "dies":
        sys.exit(f"the {role} has no more ideas")
    if manner == "parent":
        grandchild = subprocess.Popen(["sleep", "600"])  # noqa: S607 - any long-lived program will do
        print(f"pid {grandchild.pid}", flush=True)
    settings = load_settings()
    address = settings.api_address if role == "api" else settings.metrics_address
    if manner.startswith("late "):
        _Ready.late_port = int(manner.split()[1])
        if address.port == _Ready.late_port:
            _Ready.late_port = 0
            time.sleep(LATE_SECONDS)
    server = HTTPServer((address.host, address.port), _Ready)
    stopping = threading.Thread(target=server.shutdown)

    def stop(*_: object) -> None:
        if manner != "stubborn":
            stopping.start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    print("goodbye", flush=True)


async def _up() -> None:
    async with running_stack(load_settings(), echo=sys.stdout, command=COMMAND):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "up":
        run_until_stopped(_up())
    else:
        _serve(sys.argv[1])
