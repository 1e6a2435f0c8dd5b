"""One child of the supervisor: started, echoed, stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TextIO

_TETHER = str(Path(__file__).with_name("tether.py"))
_MAX_LINE_BYTES = 64 << 10
# What is still in the pipe after the process ended arrives at once; a grandchild that keeps the
# pipe open must not hold up the supervisor.
_DRAIN_SECONDS = 0.5


class ChildProcess:
    """A process that ends with the supervisor, whatever happens to the supervisor.

    It runs in a session of its own: Ctrl-C in the terminal reaches only the supervisor, which
    then ends its children in order. Its output, stdout and stderr alike, goes to ``echo`` line
    by line behind ``name |``; without ``echo`` it is read and dropped.
    """

    def __init__(
        self,
        name: str,
        process: asyncio.subprocess.Process,
        lifeline: BinaryIO,
        output: BinaryIO,
        echo: TextIO | None,
    ) -> None:
        self.name = name
        self.last_line = ""
        self._process = process
        self._lifeline = lifeline
        self._echo = echo
        self._pump = asyncio.create_task(self._pump_output(output), name=f"output of {name}")

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str] | None = None,
        echo: TextIO | None = None,
    ) -> "ChildProcess":
        """Start ``command``, whose first word is the path of an executable.

        Raises:
            OSError: the process could not be started.
        """
        # Pipes of our own: with asyncio's, waiting for the process could mean waiting until
        # nothing it started holds them open any more.
        theirs_in, our_lifeline = _pipe()
        our_output, theirs_out = _pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-S", _TETHER, *command),
                stdin=theirs_in,
                stdout=theirs_out,
                stderr=asyncio.subprocess.STDOUT,
                env=None if environ is None else dict(environ),
                start_new_session=True,
            )
        except BaseException:
            our_lifeline.close()
            our_output.close()
            raise
        finally:
            theirs_in.close()
            theirs_out.close()
        return cls(name, process, our_lifeline, our_output, echo)

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for the end, all output read; return the exit code, or minus the signal."""
        code = await self._process.wait()
        await asyncio.wait((self._pump,), timeout=_DRAIN_SECONDS)
        return code

    async def stop(self, grace_seconds: float) -> None:
        """Ask the process to end, and kill it and all it started after ``grace_seconds``."""
        try:
            if self.running:
                with suppress(ProcessLookupError):
                    self._process.terminate()
                with suppress(TimeoutError):
                    async with asyncio.timeout(grace_seconds):
                        await self._process.wait()
        finally:
            # The watcher of the tether is in the group, so the id cannot belong to others yet.
            # macOS says "not permitted" of a group in which only zombies are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            await self.wait()
            self._pump.cancel()
            self._lifeline.close()

    async def _pump_output(self, output: BinaryIO) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), output
        )
        rest = b""
        try:
            while chunk := await reader.read(_MAX_LINE_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._write_line(line)
                if len(rest) > _MAX_LINE_BYTES:
                    self._write_line(rest)
                    rest = b""
        finally:
            self._write_line(rest)
            transport.close()

    def _write_line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if not text:
            return
        self.last_line = text
        if self._echo is not None:
            # A terminal that went away must not stop the supervisor from stopping its children.
            with suppress(OSError, ValueError):
                self._echo.write(f"{self.name} | {text}\n")
                self._echo.flush()


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    """A pipe as its reading and its writing end."""
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb", 0), os.fdopen(writing, "wb", 0)
