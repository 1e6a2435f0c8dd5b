"""Serves the API with granian inside this process."""

import asyncio
import signal

from granian.constants import Interfaces
from granian.server.embed import Server

from app.api.application import create_api, create_writer
from app.catalogue import CatalogueReader, catalogue_reader
from app.live.feeds import LiveFeeds
from app.ports import ip_address_of, require_free
from app.settings import Settings
from models.errors import OperatorError

SETTING = "PLAYVITALS_API_ADDRESS"

_BACKLOG = 1024
# Requests in flight may still get their acknowledgement; a broker that is away must not hold up
# the end for longer.
_GRACE_SECONDS = 1.0
_LAST_ANSWERS_SECONDS = 0.1


def run_api(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        OperatorError: the address is taken, or the content catalogue is missing or too large.
    """
    require_free([(SETTING, settings.api_address)])
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    writer = create_writer(settings)
    feeds = LiveFeeds(settings)
    contents = catalogue_reader(settings)
    failures: list[OperatorError] = []
    server = Server(
        create_api(settings, writer, feeds, contents),
        address=ip_address_of(settings.api_address),
        port=settings.api_address.port,
        interface=Interfaces.ASGI,
        # There are none; an attempt is refused like any other request, in the envelope.
        websockets=False,
        backlog=_BACKLOG,
        log_enabled=settings.log_level in ("debug", "info"),
    )
    stopping = asyncio.Event()

    async def end() -> None:
        await stopping.wait()
        # Live pages would keep the server for as long as they are open.
        reading = asyncio.create_task(feeds.stop())
        # The writer goes before the server: every request in flight is answered for what became
        # of its events, and later ones with 503. Once it stops, the server may cut off an answer
        # on its way.
        await writer.stop(_GRACE_SECONDS)
        await asyncio.sleep(_LAST_ANSWERS_SECONDS)
        server.stop()  # type: ignore[no-untyped-call] # granian gives it no types
        await reading

    async def follow(catalogue: CatalogueReader) -> None:
        try:
            await catalogue.run()
        except OperatorError as error:
            failures.append(error)
            stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(end())
        # Not awaited first: with the broker away, requests are answered from the start.
        tasks.create_task(writer.start())
        feeds.start()
        following = None if contents is None else tasks.create_task(follow(contents))
        try:
            await server.serve()
        finally:
            stopping.set()
            if following is not None:
                following.cancel()
    if failures:
        raise failures[0]
