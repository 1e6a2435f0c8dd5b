"""Serves the API with granian inside this process."""

import asyncio
import signal
import sys

from granian.constants import Interfaces
from granian.server.embed import Server

from app.api.application import create_api
from app.ports import require_free
from app.settings import Settings

SETTING = "PLAYVITALS_API_ADDRESS"
_BACKLOG = 1024


def run_api(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        OperatorError: the address is taken.
    """
    require_free([(SETTING, settings.api_address)])
    if sys.platform == "win32":
        asyncio.run(_serve(settings))
    else:
        import uvloop

        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    server = Server(
        create_api(settings),
        address=settings.api_address.host,
        port=settings.api_address.port,
        interface=Interfaces.ASGI,
        backlog=_BACKLOG,
        log_enabled=settings.log_level in ("debug", "info"),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    await server.serve()
