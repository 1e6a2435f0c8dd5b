"""The arithmetic of ``docs/scaling.md``: what a number of viewers takes, from measured figures.

``python -m tools.scaling_page`` reads the figures from the page's tables and writes what follows.
"""

from dataclasses import dataclass, fields
from math import ceil

KEPT_SECONDS = 90_000
"""25 hours: for so long ids are remembered at most."""
DAY_SECONDS = 86_400
PARTITIONS_STEP = 12
STORED_ID_BYTES = 8
KEPT_PANES = 366
"""Of 10 s, in the longest window and the grace with the default settings."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was measured, and what was chosen; the page says where each comes from."""

    events_per_viewer_second: float
    open_views_per_viewer: float
    raw_bytes: float
    written_bytes: float
    panes_bytes_per_second: float
    worker_us: float
    second_worker: float
    api_us: float
    merge_us: float
    base_mib: float
    id_bytes: float
    view_bytes: float
    slice_bytes: float
    stored_view_bytes: float
    restored_views_per_second: float
    restored_ids_per_second: float
    utilisation: float
    average_share: float
    replicas: float
    session_timeout_seconds: float
    values: float
    slices: float

    @classmethod
    def of(cls, found: dict[str, float]) -> "Inputs":
        """From the names and values of the tables.

        Raises:
            KeyError: one is missing.
        """
        return cls(**{field.name: found[field.name] for field in fields(cls)})


class Deployment:
    """What so many viewers who watch at the peak take."""

    def __init__(self, inputs: Inputs, viewers: int) -> None:
        self._in = inputs
        self.viewers = viewers
        self.events_per_second = viewers * inputs.events_per_viewer_second
        efficiency = inputs.second_worker / 2
        busy = self.events_per_second * inputs.worker_us / 1e6
        self.busy_workers = ceil(round(busy / inputs.utilisation / efficiency, 9))
        self.workers = self.busy_workers + 1
        """One of them to spare."""
        self.partitions = PARTITIONS_STEP * max(1, ceil(2 * self.workers / PARTITIONS_STEP))
        api = self.events_per_second * inputs.api_us / 1e6
        self.apis = ceil(round(api / inputs.utilisation, 9)) + 1

    @property
    def broker_in_bytes(self) -> float:
        """Per second into the leaders: from APIs and workers."""
        of_events = self.events_per_second * (self._in.raw_bytes + self._in.written_bytes)
        return of_events + self.partitions * self._in.panes_bytes_per_second

    @property
    def broker_all_bytes(self) -> float:
        """Per second over all links of all brokers: in, to the followers, and out to workers."""
        to_workers = self.events_per_second * self._in.raw_bytes
        to_workers += self.partitions * self._in.panes_bytes_per_second
        return self._in.replicas * self.broker_in_bytes + to_workers

    @property
    def raw_day_bytes(self) -> float:
        """What a day of ``events.raw`` takes on all brokers."""
        average = self.events_per_second * self._in.average_share
        return average * DAY_SECONDS * self._in.raw_bytes * self._in.replicas

    @property
    def ids(self) -> float:
        """Remembered, over all workers."""
        return self.events_per_second * self._in.average_share * KEPT_SECONDS

    @property
    def open_views(self) -> float:
        """Over all workers."""
        return self.viewers * self._in.open_views_per_viewer

    @property
    def worker_bytes(self) -> float:
        """Of memory, for one worker while the spare one is lost."""
        state = self.ids * self._in.id_bytes + self.open_views * self._in.view_bytes
        panes = self.partitions * self._in.slices * KEPT_PANES * self._in.slice_bytes
        return self._in.base_mib * 2**20 + (state + panes) / self.busy_workers

    @property
    def state_bytes(self) -> float:
        """Of the newest checkpoints in ``state``, once."""
        return self.ids * STORED_ID_BYTES + self.open_views * self._in.stored_view_bytes

    @property
    def restore_seconds(self) -> float:
        """For the partitions of a lost worker, shared out over the others."""
        views = self.open_views / self._in.restored_views_per_second
        ids = self.ids / self._in.restored_ids_per_second
        return (views + ids) / self.workers / self.busy_workers

    @property
    def catch_up_seconds(self) -> float:
        """Until the figures are fresh again after a worker was killed: it is missed, its partitions
        are restored, and what came in meanwhile is counted beside what goes on coming in."""
        away = self._in.session_timeout_seconds + self.restore_seconds
        return away / (1 - self._in.utilisation)

    @property
    def merging_cores(self) -> float:
        """Of one core of the worker that merges the dimension with so many values."""
        return self.partitions * self._in.values * self._in.merge_us / 1e6

    @property
    def merging_bytes(self) -> float:
        """Of the memory of that worker, beside what every worker has."""
        return self.partitions * self._in.values * KEPT_PANES * self._in.slice_bytes

    @property
    def partition_views(self) -> float:
        """Open in one partition."""
        return self.open_views / self.partitions
