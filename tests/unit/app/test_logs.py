"""What reaches standard error, and what does not."""

import logging
from collections.abc import Iterator

import pytest

from app.logs import REPEAT_SECONDS, Throttle, set_up_logging, silenced


@pytest.fixture(autouse=True)
def _restore_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def test_records_below_the_level_are_not_even_built() -> None:
    set_up_logging("warning")
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.INFO)
    assert logging.getLogger("aiokafka.conn").isEnabledFor(logging.WARNING)


def test_a_record_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    logging.getLogger("playvitals.test").info("window %s closed", "5m")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("INFO playvitals.test: window 5m closed\n")


def test_a_silenced_logger_speaks_again_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("warning")
    with silenced("aiokafka"):
        logging.getLogger("aiokafka.client").error("unable to connect")
    logging.getLogger("aiokafka.client").error("connection lost")
    err = capsys.readouterr().err
    assert "unable to connect" not in err
    assert "connection lost" in err


def test_the_same_message_is_written_once_in_ten_seconds() -> None:
    now = 100.0
    throttle = Throttle(lambda: now)

    def is_written(name: str, message: str, *values: object) -> bool:
        return throttle.filter(logging.LogRecord(name, 40, "f", 1, message, values, None))

    assert is_written("aiokafka", "cannot connect to %s", 1)
    assert not is_written("aiokafka", "cannot connect to %s", 2)
    assert is_written("aiokafka", "another message")
    assert is_written("faust", "cannot connect to %s", 1)
    now += REPEAT_SECONDS
    assert is_written("aiokafka", "cannot connect to %s", 1)
