"""The CPU time of another process, which need not say anything of itself."""

import os
from pathlib import Path

from models.errors import OperatorError

_USER_TICKS, _SYSTEM_TICKS = 14, 15
"""Fields of /proc/PID/stat, counted from 1 as in proc_pid_stat(5)."""


def cpu_seconds_of(pid: int) -> float:
    """User and system time of a process so far.

    Raises:
        OperatorError: the system has no /proc, or no such process.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        raise OperatorError(
            f"/proc/{pid}/stat cannot be read: CPU time of a process is measured on Linux only"
        ) from None
    # The second field is the name in brackets, which may hold blanks; the third follows it.
    fields = stat.rpartition(")")[2].split()
    user, system = (int(fields[n - 3]) for n in (_USER_TICKS, _SYSTEM_TICKS))
    return (user + system) / os.sysconf("SC_CLK_TCK")
