"""The settings that the state of a partition follows."""

from dataclasses import dataclass

from models.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class PartitionRules:
    """What a replay depends on besides the records. Times are milliseconds of server time."""

    topic: str
    kept_ms: int
    """For how long panes are kept."""
    timeout_ms: int
    """Without events after which a view is over."""
    straggler_ms: int
    """For which an ended view waits for late events before it is published."""
    open_views: int
    """Open at once, of one partition."""
    views_per_viewer: int
    """Kept at once, open or waiting."""
    dedupe_hours: int
    dimensions: tuple[str, ...]
    catalogue: Catalogue | None = None
    """The contents that events may be about; None: any."""

    @property
    def tail_ms(self) -> int:
        """Event time after its end for which a view takes what does not begin another one.

        Short enough that whatever comes in the rest of the wait cannot change whose it is.
        """
        return min(10_000, self.straggler_ms // 3)
