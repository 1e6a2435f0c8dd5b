"""Remembers the ids of accepted events, by the hour of first sight."""

import sys
from array import array
from collections.abc import Sequence
from typing import Final

import numpy as np
from xxhash import xxh3_64_intdigest

from tables.frozen_ids import FrozenIds
from tables.id_runs import Ids

HOUR_MS: Final = 3_600_000
RECENT_IDS = 20_000
"""So many recent ids are frozen: in a dict an id takes some 100 bytes, frozen 11."""

_LOAD_IDS = (1 << 17, 1 << 19)
_LOAD_SHARE: Final = 4
_INT_BYTES: Final = 32
_hash: Final = xxh3_64_intdigest
_NEVER: Final = -1
_NOTHING: Final[dict[int, int]] = {}


def digest_of(event_id: str) -> int:
    """The 64-bit hash that an event id is remembered by.

    Among 20 million ids, two different ones share a hash with a probability of about 1 in
    100,000.
    """
    return _hash(event_id)


class Dedupe:
    """The event ids that one partition has accepted in the last hours, as 64-bit hashes.

    A duplicate never refreshes an id. Recent ids are in a dict, older ones frozen into sorted
    arrays; how the records are cut into folds changes nothing of what is known.

    Args:
        hours: ids are remembered for at least this long from first sight, and at most an hour
            longer.
    """

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._oldest_hour = 0
        self._recent: dict[int, int] = {}
        self._frozen = FrozenIds()
        self._confirmed: dict[int, int] = {}
        self._unconfirmed: dict[int, array[int]] = {}
        self._in_cut: dict[int, int] = {}
        self._loaded: list[tuple[int, bytes]] = []
        self._loaded_bytes = 0
        self._is_loading = False
        self._hour = _NEVER
        self._news: list[int] = []
        """Ids of this hour that were added last: the next ones of the unconfirmed."""

    def __len__(self) -> int:
        """The ids remembered."""
        self._end_loading()
        self._file_news()
        return sum(self._confirmed.values()) + sum(map(len, self._unconfirmed.values()))

    @property
    def resident_bytes(self) -> int:
        """About how much memory the ids take."""
        self._file_news()
        recent = sys.getsizeof(self._recent) + _INT_BYTES * len(self._recent)
        unconfirmed = sum(map(sys.getsizeof, self._unconfirmed.values()))
        return self._frozen.nbytes + recent + unconfirmed + self._loaded_bytes

    def tidy(self) -> None:
        """Freeze ids and rewrite arrays where that is due: a step of some milliseconds at a time.

        To be called once per fold, before :meth:`recall` is called for its ids.
        """
        self._end_loading()
        self._file_news()
        if len(self._recent) >= RECENT_IDS:
            self._freeze_recent()
        self._frozen.tidy(self._oldest_hour)

    def recall(self, digests: Sequence[int]) -> dict[int, int]:
        """Those of ``digests`` that are frozen, with the hour they were seen in.

        To be called before :meth:`add` is called for them.
        """
        self._end_loading()
        if not digests or not len(self._frozen):
            return _NOTHING
        return self._frozen.find(np.array(digests, dtype=np.uint64))

    def add(self, digest: int, clock_ms: int, recalled: dict[int, int]) -> bool:
        """Remember an id; False where it is known already.

        Args:
            digest: what :func:`digest_of` makes of the id.
            clock_ms: server time, which never falls from one call to the next.
            recalled: what :meth:`recall` returned for the id, among others.
        """
        oldest_hour = self._oldest_hour
        recent = self._recent
        if recalled and recalled.get(digest, _NEVER) >= oldest_hour:
            return False
        hour = clock_ms // HOUR_MS
        if hour != self._hour:
            self._file_news()
            self._hour = hour
        known = len(recent)
        seen_hour = recent.setdefault(digest, hour)
        if len(recent) == known:
            if seen_hour >= oldest_hour:
                return False
            recent[digest] = hour
        self._news.append(digest)
        return True

    def forget_before(self, clock_ms: int) -> None:
        """Forget the hours that ended over ``hours`` hours before ``clock_ms``."""
        oldest_hour = clock_ms // HOUR_MS - self._hours
        if oldest_hour <= self._oldest_hour:
            return
        self._oldest_hour = oldest_hour
        self._file_news()
        for by_hour in (self._confirmed, self._unconfirmed, self._in_cut):
            for hour in [hour for hour in by_hour if hour < oldest_hour]:
                del by_hour[hour]

    def cut(self) -> list[tuple[int, bytes]]:
        """The remembered ids that were added since the last confirmed cut, by ascending hour.

        Ids are little-endian 64-bit integers, in order of first sight.
        """
        self._file_news()
        ids_by_hour = [(hour, ids) for hour, ids in sorted(self._unconfirmed.items()) if ids]
        self._in_cut = {hour: len(ids) for hour, ids in ids_by_hour}
        return [(hour, _little_endian(np.array(ids))) for hour, ids in ids_by_hour]

    def confirm(self) -> None:
        """What the last cut returned is durable: later cuts leave it out."""
        for hour, count in self._in_cut.items():
            del self._unconfirmed[hour][:count]
            self._confirmed[hour] = self._confirmed.get(hour, 0) + count
        self._in_cut = {}

    def ids_of(self, hour: int) -> bytes:
        """Every remembered id of an hour: little-endian 64-bit integers, in ascending order."""
        self._end_loading()
        if hour < self._oldest_hour:
            return b""
        recent = [digest for digest, seen in self._recent.items() if seen == hour]
        parts = [self._frozen.seen_in(hour), np.array(recent, dtype=np.uint64)]
        return _little_endian(np.unique(np.concatenate(parts)))

    def hours(self) -> list[int]:
        """The hours since 1970 in which remembered ids were first seen, ascending."""
        self._end_loading()
        self._file_news()
        unconfirmed = {hour for hour, ids in self._unconfirmed.items() if ids}
        return sorted(unconfirmed.union(self._confirmed))

    def load(self, hour: int, ids: bytes) -> None:
        """Remember ids from :meth:`cut` or :meth:`ids_of` as confirmed ones of ``hour``.

        For an object that has remembered nothing else yet; in any order, any number of times.
        Of an id that is loaded for several hours, the newest counts.

        Raises:
            ValueError: ``ids`` are not whole 64-bit integers.
        """
        if len(ids) % 8:
            raise ValueError(f"{len(ids)} bytes are not a whole number of ids")
        self._is_loading = True
        self._loaded.append((hour, ids))
        self._loaded_bytes += len(ids)
        least, most = _LOAD_IDS
        if self._loaded_bytes // 8 >= min(max(len(self._frozen) // _LOAD_SHARE, least), most):
            self._freeze_loaded()

    def _file_news(self) -> None:
        """Put what was added last into the array of its hour, which takes less memory; for many
        ids at a time that takes less time as well."""
        if self._news:
            unconfirmed = self._unconfirmed.setdefault(self._hour, array("Q"))
            unconfirmed.frombytes(np.array(self._news, dtype=np.uint64).tobytes())
            self._news.clear()

    def _freeze_recent(self) -> None:
        recent = self._recent
        ids = np.fromiter(recent.keys(), dtype=np.uint64, count=len(recent))
        hours = np.fromiter(recent.values(), dtype=np.int64, count=len(recent))
        self._frozen.freeze(ids, hours)
        self._recent = {}

    def _freeze_loaded(self) -> None:
        ids = np.frombuffer(b"".join(ids for _, ids in self._loaded), dtype="<u8")
        hours = np.repeat(
            np.array([hour for hour, _ in self._loaded], dtype=np.int64),
            [len(ids) // 8 for _, ids in self._loaded],
        )
        self._loaded.clear()
        self._loaded_bytes = 0
        self._frozen.load(ids.astype(np.uint64, copy=False), hours, self._oldest_hour)

    def _end_loading(self) -> None:
        if self._is_loading:
            self._freeze_loaded()
            self._frozen.end_loading()
            self._confirmed = self._frozen.count_by_hour()
            self._is_loading = False


def _little_endian(ids: Ids) -> bytes:
    return ids.astype("<u8", copy=False).tobytes()
