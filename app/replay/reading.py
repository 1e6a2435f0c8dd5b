"""The lines of a recording: NDJSON, plain or gzip, from a file or from standard input."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from models.errors import OperatorError

STDIN = "-"
MAX_LINE_BYTES = 8 << 20

_GZIP_MAGIC = b"\x1f\x8b"


class Recording:
    """A recording that is read line by line, whatever its size.

    ``position_bytes`` and ``size_bytes`` are of the file as it is stored, so that progress can be
    told for a compressed one too; the size of standard input is None.
    """

    def __init__(self, name: str, stdin: BinaryIO | None = None) -> None:
        self.name = name
        self.from_stdin = name == STDIN
        self._stdin = stdin
        self._stored: BinaryIO | None = None
        self.size_bytes: int | None = None

    @property
    def position_bytes(self) -> int:
        """How much of the stored file was read so far."""
        if self._stored is None or self._stored.closed or self.from_stdin:
            return 0
        return self._stored.tell()

    def lines(self) -> Iterator[bytes]:
        """Every line without its line end, blank ones left out.

        A file can be read any number of times, standard input once.

        Raises:
            OperatorError: the file cannot be read, or is damaged; the message is for the user.
        """
        number = 0
        try:
            with self._open() as stored:
                self._stored = stored
                stream = self._unpacked(stored)
                while line := stream.readline(MAX_LINE_BYTES + 1):
                    number += 1
                    if len(line) > MAX_LINE_BYTES:
                        raise OperatorError(
                            f"{self.name}: line {number} has over {MAX_LINE_BYTES >> 20} MiB; "
                            "is this NDJSON?"
                        )
                    line = line.removesuffix(b"\n").removesuffix(b"\r")
                    if line.strip():
                        yield line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise OperatorError(
                f"{self.name}: damaged gzip data after line {number}: {error}"
            ) from error
        except OSError as error:
            raise OperatorError(f"{self.name}: {error.strerror or error}") from error

    def _open(self) -> BinaryIO:
        if self.from_stdin:
            return io.BufferedReader(cast(io.RawIOBase, self._stdin or sys.stdin.buffer))
        stored = Path(self.name).open("rb")
        self.size_bytes = os.fstat(stored.fileno()).st_size
        return stored

    def _unpacked(self, stored: BinaryIO) -> BinaryIO:
        magic = cast(io.BufferedReader, stored).peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)]
        if magic == _GZIP_MAGIC:
            return io.BufferedReader(gzip.GzipFile(fileobj=stored))
        if self.name.endswith(".gz") and magic:
            raise OperatorError(f"{self.name}: named .gz, but holds no gzip data")
        return stored
