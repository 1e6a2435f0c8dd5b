"""A child of the supervisor: its output, its end, and that of what it started."""

import asyncio
import sys
import time
from collections.abc import Callable
from io import StringIO

from app.child_process import ChildProcess

QUICK_SECONDS = 3.0


async def start(script: str, echo: StringIO | None = None) -> ChildProcess:
    return await ChildProcess.start("child", (sys.executable, "-c", script), echo=echo)


async def test_every_line_is_echoed_behind_the_name() -> None:
    echo = StringIO()
    child = await start(
        "import sys; print('one', flush=True); print('two\\n\\nthree', end='', file=sys.stderr)",
        echo,
    )
    assert await child.wait() == 0
    await child.stop(0)
    assert echo.getvalue() == "child | one\nchild | two\nchild | three\n"
    assert child.last_line == "three"


async def test_bytes_that_are_no_text_and_endless_lines_are_survived() -> None:
    echo = StringIO()
    child = await start(
        "import os; os.write(1, b'\\xff\\xfe\\n')\n"
        "for _ in range(300): os.write(1, b'x' * 1000)\n"
        "print(); print('end')",
        echo,
    )
    assert await child.wait() == 0
    await child.stop(0)
    lines = echo.getvalue().splitlines()
    assert lines[0] == "child | \ufffd\ufffd"
    assert sum(line.count("x") for line in lines) == 300_000
    assert lines[-1] == "child | end"


async def test_output_is_read_without_an_echo_too() -> None:
    child = await start("print('x' * 1_000_000); print('end')")
    assert await child.wait() == 0
    await child.stop(0)
    assert child.last_line == "end"


async def test_the_exit_code_is_that_of_the_command() -> None:
    child = await start("raise SystemExit(7)")
    assert await child.wait() == 7
    assert not child.running
    await child.stop(0)


async def test_a_command_that_cannot_be_started_ends_with_the_reason() -> None:
    child = await ChildProcess.start("child", ("/nonexistent/command",))
    assert await child.wait() == 1
    assert "/nonexistent/command" in child.last_line or "No such file" in child.last_line
    await child.stop(0)


async def test_standard_input_is_empty() -> None:
    child = await start("import sys; print(repr(sys.stdin.read()))")
    await child.wait()
    await child.stop(0)
    assert child.last_line == "''"


async def test_a_command_has_no_children_that_it_did_not_start() -> None:
    child = await start(
        "import os\ntry: print(os.waitpid(-1, os.WNOHANG))\nexcept ChildProcessError: print('none')"
    )
    await child.wait()
    await child.stop(0)
    assert child.last_line == "none"


async def test_stop_kills_a_command_that_ignores_the_signal() -> None:
    echo = StringIO()
    child = await start(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True); time.sleep(600)",
        echo,
    )
    await until(lambda: child.last_line == "deaf")
    started = time.monotonic()
    await child.stop(0.2)
    assert 0.2 <= time.monotonic() - started < QUICK_SECONDS
    assert await child.wait() == -9


async def test_waiting_does_not_depend_on_what_the_command_left_running() -> None:
    child = await start(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    started = time.monotonic()
    assert await child.wait() == 0
    await child.stop(0)
    assert time.monotonic() - started < QUICK_SECONDS


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
