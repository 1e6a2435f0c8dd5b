"""Log records of a command: one line each on standard error."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def set_up_logging(level: str) -> None:
    """Send records of ``level`` (``debug``, ``info``, ``warning``, ``error``) and above to stderr.

    The level goes on the root logger, so libraries such as aiokafka and Faust do not even build
    the records that nobody reads.
    """
    logging.basicConfig(level=level.upper(), format=_FORMAT, force=True)


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
