"""Run a command until it ends or somebody asks it to stop."""

import asyncio
import signal
from collections.abc import Coroutine

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_stopped(main: Coroutine[object, object, None]) -> None:
    """Run ``main`` in a new event loop; return when it ended, or was stopped by a signal.

    SIGINT and SIGTERM cancel it once and wait for its clean-up; more of them change nothing.
    An exception of ``main``, also one raised by its clean-up, propagates.
    """
    asyncio.run(_cancel_on_signal(main))


async def _cancel_on_signal(main: Coroutine[object, object, None]) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(main)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
