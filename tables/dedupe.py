"""Remembers the ids of accepted events, by the hour of first sight."""

from array import array

from xxhash import xxh3_64_intdigest

HOUR_MS = 3_600_000


class Dedupe:
    """The event ids that one partition has accepted in the last hours.

    Ids are kept as 64-bit hashes: among 20 million, two different ids share one with a
    probability of about 1 in 100,000. A duplicate never refreshes an id.

    Args:
        hours: ids are remembered for at least this long from first sight, and at most an hour
            longer.
    """

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._known: set[int] = set()
        self._by_hour: dict[int, array[int]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, event_id: str, clock_ms: int) -> bool:
        """Remember ``event_id``; False where it is known already."""
        digest = xxh3_64_intdigest(event_id)
        known = self._known
        if digest in known:
            return False
        known.add(digest)
        hour = clock_ms // HOUR_MS
        segment = self._by_hour.get(hour)
        if segment is None:
            segment = self._by_hour[hour] = array("Q")
        segment.append(digest)
        return True

    def forget_before(self, clock_ms: int) -> None:
        """Drop the hours that ended over ``hours`` hours before ``clock_ms``."""
        oldest = clock_ms // HOUR_MS - self._hours
        for hour in [hour for hour in self._by_hour if hour < oldest]:
            self._known.difference_update(self._by_hour.pop(hour))
