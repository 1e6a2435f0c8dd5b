"""How the interpreter of a long-running process is set up."""

import asyncio
import gc
import sys

# Sessions and views live for minutes, requests until the broker has their events: with the defaults
# the collector walks through all of them many times a second and finds nothing. The middle one
# stays small: it is a pause of its own.
_GC_THRESHOLDS = (100_000, 5, 400)


def tune_runtime() -> None:
    """Use uvloop for every event loop, those of Faust's threads too, and calm the collector."""
    if sys.platform != "win32":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
