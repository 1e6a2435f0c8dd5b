"""How the interpreter of a long-running process is set up."""

import asyncio
import gc
import sys
from contextlib import suppress
from pathlib import Path

# Sessions and views live for minutes, requests until the broker has their events: with the defaults
# the collector walks through all of them many times a second and finds nothing. The middle one
# stays small: it is a pause of its own.
_GC_THRESHOLDS = (100_000, 5, 400)

_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def tune_runtime(huge_pages: bool = True) -> None:
    """Use uvloop for every event loop, those of Faust's threads too, calm the collector, and keep
    small objects in huge pages where the core is compiled and the system has them."""
    if huge_pages and _offers_huge_pages():
        with suppress(ImportError):
            from tables.arenas import use_huge_pages

            use_huge_pages()
    if sys.platform != "win32":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _offers_huge_pages() -> bool:
    """Whether Linux gives them to whoever asks, or to everybody."""
    try:
        return "[never]" not in _HUGE_PAGES.read_text()
    except OSError:
        return False
