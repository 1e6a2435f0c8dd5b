"""Ends a worker that only looks alive: records wait for it, and it does nothing."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from models.errors import BrokerUnavailableError, PlayvitalsError

log = logging.getLogger(__name__)

Ends = Callable[[Iterable[int]], Awaitable[dict[int, int]]]
"""The offsets after the last records of raw partitions, asked over a connection of its own."""


class Watchdog:
    """Watches every owned partition for standing still.

    The ends of the partitions are not taken from the consumer: one that stopped fetching would
    see nothing waiting. While the brokers do not answer, nothing is held against the worker.

    Args:
        next_offsets: the next offset wanted, by partition that is consumed.
        moving: whether partitions are being assigned, so that nothing can be consumed.
        preparing: how far restoring states and reading panes has come; None once both are done.
        stall_seconds: how long a partition may stand still with records waiting.
        moving_seconds: how long an assignment may take, and preparing without a step forward.
    """

    def __init__(
        self,
        ends: Ends,
        next_offsets: Callable[[], Mapping[int, int]],
        moving: Callable[[], bool],
        preparing: Callable[[], object],
        stall_seconds: float,
        moving_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ends: dict[int, int] = {}
        """The ends of the partitions as they were asked last."""
        self._ask = ends
        self._next_offsets = next_offsets
        self._moving = moving
        self._preparing = preparing
        self._stall_seconds = stall_seconds
        self._moving_seconds = moving_seconds
        self._now = now
        self._progressed: dict[int, tuple[int, float]] = {}
        self._moving_since: float | None = None
        self._prepared: tuple[object, float] = (None, 0.0)

    @property
    def period_seconds(self) -> float:
        """How often to look."""
        return min(5.0, self._stall_seconds / 6)

    async def look(self) -> None:
        """See whether the worker moves.

        Raises:
            PlayvitalsError: a partition stands still, an assignment does not end, or what it
                brought is not made ready.
        """
        now = self._now()
        self._look_at_assignment(now)
        next_offsets = dict(self._next_offsets())
        try:
            self.ends = await self._ask(next_offsets) if next_offsets else {}
        except BrokerUnavailableError as error:
            log.info("Not watching for a stall: %s", error)
            self._progressed.clear()
            self._prepared = (None, now)
            return
        self._look_at_preparing(now)
        self._progressed = {p: s for p, s in self._progressed.items() if p in next_offsets}
        for partition, offset in next_offsets.items():
            seen, since = self._progressed.get(partition, (-1, now))
            waiting = self.ends.get(partition, 0) - offset
            if offset != seen or waiting <= 0:
                self._progressed[partition] = (offset, now)
            elif now - since > self._stall_seconds:
                raise PlayvitalsError(
                    f"raw partition {partition} stands still: {waiting} records wait from offset "
                    f"{offset} on, and none was processed for {now - since:.0f} s"
                )

    def _look_at_preparing(self, now: float) -> None:
        reached = self._preparing()
        before, since = self._prepared
        if reached is None or reached != before:
            self._prepared = (reached, now)
        elif now - since > self._moving_seconds:
            raise PlayvitalsError(
                "restoring the state or reading the panes of partitions that were gained has made "
                f"no step forward for {now - since:.0f} s"
            )

    def _look_at_assignment(self, now: float) -> None:
        if not self._moving():
            self._moving_since = None
        elif self._moving_since is None:
            self._moving_since = now
        elif now - self._moving_since > self._moving_seconds:
            raise PlayvitalsError(
                "the assignment of partitions did not come to an end within "
                f"{now - self._moving_since:.0f} s"
            )
