"""One replay from the first line to the last acknowledgement."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.replay.lines import Line, read_line, shifted, with_times
from app.replay.pacing import Pacer, tick_times_ms
from app.replay.reading import Recording
from app.replay.summary import Summary
from app.replay.targets import Target
from models.errors import OperatorError

_YIELD_EVERY_LINES = 500
# Shorter waits are not worth sending a batch that is not full.
_WORTH_FLUSHING_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Plan:
    """How to replay.

    ``speed`` is a multiple of real time, None as fast as possible. ``settle_seconds`` is how far
    ticks move the clock on after the last line, one every ``tick_seconds``.
    """

    keep_time: bool = False
    shift_to_now: bool = False
    speed: float | None = None
    settle_seconds: int = 0
    tick_seconds: int = 5

    @property
    def needs_times(self) -> bool:
        """Whether every line needs a time."""
        return self.keep_time or self.shift_to_now or self.speed is not None


def planned_lines(recording: Recording, plan: Plan, now_ms: int) -> Iterator[Line]:
    """The lines as they are to be sent.

    Raises:
        OperatorError: the recording cannot be read, or has no time where the plan needs one.
    """
    lines: Iterable[Line] = map(read_line, recording.lines())
    if plan.shift_to_now:
        by_ms = _shift_ms(recording, plan, now_ms)
        lines = (shifted(line, by_ms) for line in lines)
    return with_times(lines) if plan.needs_times else iter(lines)


async def replay(
    lines: Iterable[Line],
    plan: Plan,
    target: Target,
    summary: Summary,
    *,
    pacer: Pacer | None = None,
    on_line: Callable[[], None] | None = None,
) -> None:
    """Send every line when it is due, then the ticks; return when all of it is durable.

    Raises:
        OperatorError: the target failed for good. ``summary`` says how far it came.
    """
    pacer = pacer or Pacer(plan.speed)
    started_seconds = time.monotonic()
    last_ms = 0
    try:
        for number, line in enumerate(lines):
            if pacer.delay_seconds(line.time_ms) > _WORTH_FLUSHING_SECONDS:
                await target.flush()
                await pacer.wait(line.time_ms)
            await target.send(line)
            last_ms = max(last_ms, line.time_ms or 0)
            if on_line is not None:
                on_line()
            if number % _YIELD_EVERY_LINES == 0:
                await asyncio.sleep(0)
        if plan.settle_seconds and summary.sent:
            await target.flush()
            for tick_ms in tick_times_ms(last_ms, plan.settle_seconds, plan.tick_seconds):
                await pacer.wait(tick_ms)
                await target.tick(tick_ms)
        await target.flush()
    finally:
        summary.seconds = time.monotonic() - started_seconds


def _shift_ms(recording: Recording, plan: Plan, now_ms: int) -> int:
    """How far to move all times so that the last event lands at the moment it is sent.

    That is now, or with a speed, as much later as the replay takes.
    """
    if recording.from_stdin:
        raise OperatorError(
            "--shift-to-now has to read the events twice, which standard input cannot; "
            "give the name of a file"
        )
    first_ms = last_ms = None
    for raw in recording.lines():
        time_ms = read_line(raw).time_ms
        if time_ms is not None:
            first_ms = time_ms if first_ms is None else min(first_ms, time_ms)
            last_ms = time_ms if last_ms is None else max(last_ms, time_ms)
    if first_ms is None or last_ms is None:
        return 0
    # Slower than real time, events sent at their own shifted time would come from the future.
    takes_ms = 0 if plan.speed is None else round((last_ms - first_ms) / max(plan.speed, 1.0))
    return now_ms + takes_ms - last_ms
