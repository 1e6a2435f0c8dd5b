"""Start a command that cannot outlive the process which started it.

Run as a script, isolated and without site packages so that it costs only milliseconds:
``python -I -S tether.py COMMAND ARGUMENT…`` in a session of its own, with standard input a
pipe whose other end only the starter holds. It becomes COMMAND, and leaves a watcher behind in
the same process group. When the pipe closes, however the starter ended, the watcher kills the
group: COMMAND, what that started, and itself. It works alike on Linux and macOS.
"""

import os
import signal
import sys


def _become(command: list[str]) -> None:
    lifeline = os.dup(0)  # not inherited by COMMAND
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    child = os.fork()
    if child == 0:
        # A grandchild, so that COMMAND never meets a child it did not start.
        if os.fork() == 0:
            _kill_group_when_closed(lifeline, nothing)
        os._exit(0)
    os.waitpid(child, 0)
    os.execv(command[0], command)  # noqa: S606 - the command comes from the supervisor


def _kill_group_when_closed(lifeline: int, nothing: int) -> None:
    # Holding COMMAND's output open would hide from the supervisor that COMMAND ended.
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    # The supervisor's polite signals are for COMMAND.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    _become(sys.argv[1:])
