"""Log records of a command: one line each on standard error."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REPEAT_SECONDS = 10.0

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MAX_REMEMBERED = 1_000


class Throttle(logging.Filter):
    """Lets the same message of a logger through once in a while.

    A client whose broker is away logs each of its many attempts per second, and what an operator
    looks for drowns. Messages are the same by their template, whatever they are filled in with.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        key, now = (record.name, str(record.msg)), self._clock()
        if now - self._last.get(key, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        if len(self._last) >= _MAX_REMEMBERED:
            self._last.clear()
        self._last[key] = now
        return True


def set_up_logging(level: str) -> None:
    """Send records of ``level`` (``debug``, ``info``, ``warning``, ``error``) and above to stderr.

    The level goes on the root logger, so libraries such as aiokafka and Faust do not even build
    the records that nobody reads.
    """
    logging.basicConfig(level=level.upper(), format=_FORMAT, force=True)
    if level != "debug":
        for handler in logging.getLogger().handlers:
            handler.addFilter(Throttle())


@contextmanager
def silenced(logger_name: str) -> Iterator[None]:
    """Drop the records of one logger and its children for a while.

    For a library that logs every failed attempt while the caller raises one error that says
    the same once.
    """
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
