"""When a caught-up, idle partition wants a tick, and at which server time."""


class TickSchedule:
    """The ticks of one partition.

    A tick moves the clock on at wall speed from where events or a replay's ticks have brought it,
    so a replayed history goes on from its own time. Ticks land on multiples of their interval:
    every reader of a partition that fell silent sees the same clocks.
    """

    __slots__ = ("_seen_at_ms", "_tick_ms", "_written_ms", "behind_ms")

    def __init__(self, tick_ms: int) -> None:
        self._tick_ms = tick_ms
        self.behind_ms: int | None = None
        """How far the partition's clock is behind the wall clock; None: no record was seen."""
        self._seen_at_ms = 0
        self._written_ms = -1

    def restore(self, wall_ms: int, behind_ms: int) -> None:
        """Go on as if the clock had run on from where an earlier worker saw it."""
        self._seen_at_ms = wall_ms
        self.behind_ms = behind_ms

    def saw(self, wall_ms: int, clock_ms: int, *, only_ticks: bool) -> None:
        """Records were processed at ``wall_ms``; the partition's clock is ``clock_ms`` now."""
        self._seen_at_ms = wall_ms
        behind_ms = wall_ms - clock_ms
        # A tick of ours arrives a little late and must not slow the clock down; one of a replay
        # that settles may have moved it far ahead.
        if self.behind_ms is None or not only_ticks or behind_ms < self.behind_ms:
            self.behind_ms = behind_ms

    def due(self, wall_ms: int, clock_ms: int) -> int | None:
        """The server time of the tick to write now, if any."""
        if self.behind_ms is None or wall_ms - self._seen_at_ms < self._tick_ms:
            return None
        now_ms = wall_ms - self.behind_ms
        due_ms = now_ms - now_ms % self._tick_ms
        if due_ms <= max(clock_ms, self._written_ms):
            return None
        self._written_ms = due_ms
        return due_ms
