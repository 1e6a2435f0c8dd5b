"""A worker that kills itself, by SIGKILL, at one step of a checkpoint.

``killed_worker.py STEP`` with STEP one of ``record:N`` (as soon as the Nth record that it writes to
the ``state`` topic is durable; none after it is written), ``before-commit`` and ``after-commit``.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping

from agents.outputs import KafkaOutputs
from app.group_member import GroupMember
from app.settings import load_settings
from app.worker import run_worker


def die() -> None:
    """End at once, as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_record(number: int) -> None:
    """Die once this many records of checkpoints are durable."""
    write, written = KafkaOutputs.state, 0

    def state(
        self: KafkaOutputs, partition: int, key: bytes, value: bytes | None
    ) -> "asyncio.Future[None]":
        nonlocal written
        written += 1
        if written > number:
            return asyncio.get_running_loop().create_future()
        acknowledged = write(self, partition, key, value)
        if written == number:
            acknowledged.add_done_callback(lambda _: die())
        return acknowledged

    KafkaOutputs.state = state  # type: ignore[method-assign]


def die_at_commit(after: bool) -> None:
    """Die right before the offsets are committed, or right after."""
    commit = GroupMember.commit

    async def killed_commit(self: GroupMember, offsets: Mapping[int, int], generation: int) -> None:
        if after:
            await commit(self, offsets, generation)
        die()

    GroupMember.commit = killed_commit  # type: ignore[method-assign]


if __name__ == "__main__":
    step = sys.argv[1]
    if step.startswith("record:"):
        die_at_record(int(step.removeprefix("record:")))
    else:
        die_at_commit(after=step == "after-commit")
    asyncio.run(run_worker(load_settings()))
