import gzip
import io
from pathlib import Path

import pytest

from app.replay.reading import MAX_LINE_BYTES, Recording
from models.errors import OperatorError

TEXT = b'{"a":1}\n\n  \n{"b":2}\r\nno json \xff\n{"c":3}'
LINES = [b'{"a":1}', b'{"b":2}', b"no json \xff", b'{"c":3}']


def stored(tmp_path: Path, content: bytes, name: str = "events.ndjson") -> Recording:
    (tmp_path / name).write_bytes(content)
    return Recording(str(tmp_path / name))


def test_lines_come_without_their_ends_and_blank_ones_not_at_all(tmp_path: Path) -> None:
    assert list(stored(tmp_path, TEXT).lines()) == LINES


@pytest.mark.parametrize("name", ["events.ndjson.gz", "events"])
def test_gzip_is_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    assert list(stored(tmp_path, gzip.compress(TEXT), name).lines()) == LINES


def test_a_file_can_be_read_twice(tmp_path: Path) -> None:
    recording = stored(tmp_path, gzip.compress(TEXT))
    assert list(recording.lines()) == list(recording.lines())


def test_standard_input_may_be_gzip_too() -> None:
    assert list(Recording("-", io.BytesIO(gzip.compress(TEXT))).lines()) == LINES


def test_position_reaches_the_size_of_the_stored_file(tmp_path: Path) -> None:
    recording = stored(tmp_path, gzip.compress(TEXT))
    positions = [recording.position_bytes for _ in recording.lines()]
    assert recording.size_bytes == len(gzip.compress(TEXT))
    assert positions[-1] == recording.size_bytes


def test_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert list(stored(tmp_path, b"", "empty.gz").lines()) == []


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (TEXT, "plain.gz", "named .gz, but holds no gzip data"),
        (gzip.compress(TEXT, mtime=0)[:-6], "cut.gz", "damaged gzip data"),
        (gzip.compress(TEXT, mtime=0)[:-6] + b"\0\0\0\0\0\0", "crc.gz", "damaged gzip data"),
        (b"x" * (MAX_LINE_BYTES + 1), "one-line", "line 1 has over 8 MiB"),
    ],
)
def test_unusable_file_is_named_with_the_reason(
    tmp_path: Path, content: bytes, name: str, message: str
) -> None:
    with pytest.raises(OperatorError, match=message) as caught:
        list(stored(tmp_path, content, name).lines())
    assert name in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="absent: No such file"):
        list(Recording(str(tmp_path / "absent")).lines())
