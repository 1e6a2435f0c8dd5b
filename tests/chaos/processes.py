"""The processes of a deployment under test: kept running by a supervisor, hit by faults."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from app.child_process import ChildProcess
from tests.support.waiting import until

COMMAND = (sys.executable, "-P", "-m", "app.cli")
RESTART_SECONDS = 1.0
STOP_SECONDS = 60.0

Log = Callable[[str], None]


class Program:
    """One ``playvitals`` process, started again a second after it ends, as systemd would.

    Args:
        name: for the log; the output goes to ``NAME.log`` in ``folder``.
        url: where the process answers ``/readyz``.
        log: told when the process ends although nobody asked it to.
    """

    def __init__(
        self, name: str, command: str, environ: Mapping[str, str], url: str, folder: Path, log: Log
    ) -> None:
        self.name = name
        self.url = url
        self._command = (*COMMAND, command)
        self._environ = environ
        self._log_path = folder / f"{name}.log"
        self._log = log
        self._output: TextIO | None = None
        self._process: ChildProcess | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._expected_end = False

    async def start(self) -> None:
        """Start the process, and keep it running until :meth:`stop`."""
        self._output = self._log_path.open("a")
        await self._start_process()
        self._keeper = asyncio.create_task(self._keep_running(), name=f"keeper of {self.name}")

    async def stop(self) -> int:
        """End the process by SIGTERM and leave it ended; its exit code."""
        assert self._keeper is not None
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        code = await self._terminate()
        await self._clean_up()
        return code

    async def abandon(self) -> None:
        """Leave nothing of the process behind, whatever state it is in."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._clean_up()

    def kill(self) -> None:
        """End the process at once; the supervisor starts it again."""
        self._expected_end = True
        self._signal(signal.SIGKILL)

    async def terminate(self) -> int:
        """End the process by SIGTERM, its exit code; the supervisor starts it again."""
        self._expected_end = True
        return await self._terminate()

    def pause(self) -> None:
        """Freeze the process."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    async def is_ready(self) -> bool:
        """Whether the process says that it is ready."""
        try:
            async with httpx.AsyncClient(timeout=5.0) as client:
                return (await client.get(f"{self.url}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def metrics(self) -> list[Sample]:
        """What the process exports on ``/metrics``; nothing while it does not answer."""
        try:
            async with httpx.AsyncClient(timeout=5.0) as client:
                text = (await client.get(f"{self.url}/metrics")).text
        except httpx.HTTPError:
            return []
        families = text_string_to_metric_families(text)
        return [sample for family in families for sample in family.samples]

    async def until_ready(self) -> None:
        """Wait until the process is ready.

        Raises:
            WaitedInVainError: it is not, for minutes.
        """
        await until(self.is_ready, f"{self.name} is ready")

    async def _start_process(self) -> None:
        self._process = await ChildProcess.start(
            self.name, self._command, self._environ, self._output
        )

    async def _keep_running(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            asked, self._expected_end = self._expected_end, False
            if not asked:
                self._log(f"{self.name} ended with {code}: {self._process.last_line}")
            await self._process.stop(0.0)
            await asyncio.sleep(RESTART_SECONDS)
            await self._start_process()

    async def _terminate(self) -> int:
        process = self._process
        assert process is not None
        if process.running:
            os.kill(process.pid, signal.SIGTERM)
        try:
            return await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            await process.stop(0.0)
            return -signal.SIGKILL

    async def _clean_up(self) -> None:
        if self._process is not None:
            await self._process.stop(0.0)
        if self._output is not None:
            self._output.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        if self._process.running:
            # The process alone: its tether has to stay awake to end it with the tests.
            os.kill(self._process.pid, number)
