"""The newest record of every slice of the rolling windows, from the topic ``windows``."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from app.live.history import History
from app.live.trends import SliceKey, Trends
from app.topic_reader import Record
from models.dimensions import ALL
from models.timestamps import parse_timestamp_ms
from models.windows import WindowRecord

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(WindowRecord).decode
_encode = msgspec.json.Encoder().encode


class Selection(NamedTuple):
    """A window and a dimension."""

    window: str
    dimension: str


class Slice(NamedTuple):
    """A slice as it is now: its record, and the JSON that it came as."""

    record: WindowRecord
    json: bytes


class WindowsFeed:
    """Folds the topic ``windows``: the newest record of a key holds, a tombstone ends it.

    Bounded: only the given windows and dimensions are kept, and a dimension has as many values as
    the worker exports.

    Args:
        windows: labels, the shortest window first; the history is of that one.
    """

    def __init__(self, windows: Sequence[str], dimensions: Sequence[str]) -> None:
        self.history = History()
        self.trends = Trends()
        self.clock: str | None = None
        """The server time that the figures have reached: the latest end of any window."""
        self._shortest = windows[0]
        self._slices: dict[Selection, dict[str, Slice]] = {
            Selection(window, dimension): {}
            for window in windows
            for dimension in (ALL, *dimensions)
        }
        self._versions = dict.fromkeys(self._slices, 0)

    def version(self, selection: Selection) -> int:
        """A number that grows whenever a slice of the selection changes."""
        return self._versions[selection]

    def slices(self, selection: Selection) -> list[Slice]:
        """The slices of a selection, the heaviest by plays first."""
        found = self._slices[selection].values()
        return sorted(found, key=lambda it: (-it.record.plays, it.record.value))

    def trend(self, record: WindowRecord) -> list[float | None]:
        """The rebuffer ratio of a slice over the last hour, see :meth:`Trends.trend`."""
        key = SliceKey(record.window, record.dimension, record.value)
        return self.trends.trend(key, record.rebuffer_ratio)

    def apply(self, records: Sequence[Record]) -> None:
        """Take in the next records of one partition."""
        for record in records:
            key = _key_of(record)
            if key is None or (key.window, key.dimension) not in self._slices:
                continue
            selection = Selection(key.window, key.dimension)
            if record.value is None:
                self._slices[selection].pop(key.value, None)
                self.trends.end(key)
            elif not self._take(selection, key, record.value):
                continue
            self._versions[selection] += 1

    def clear(self) -> None:
        """Forget everything."""
        self.history.clear()
        self.trends.clear()
        self.clock = None
        for selection, slices in self._slices.items():
            slices.clear()
            self._versions[selection] += 1

    def _take(self, selection: Selection, key: SliceKey, value: bytes) -> bool:
        try:
            record = _decode(value)
        except msgspec.MsgspecError as error:
            return self._pass_over(key, str(error))
        at_ms = parse_timestamp_ms(record.end)
        if at_ms is None or (record.window, record.dimension, record.value) != key:
            return self._pass_over(key, "it is not the slice of its key")
        if b"\n" in value or b"\r" in value:
            # Another writer's layout; on the stream a message is one line.
            value = _encode(record)
        self._slices[selection][key.value] = Slice(record, value)
        if self.clock is None or record.end > self.clock:
            self.clock = record.end
        self.trends.add(key, at_ms, record.rebuffer_ratio)
        if selection == (self._shortest, ALL):
            self.history.add(record, at_ms)
        return True

    def _pass_over(self, key: SliceKey, why: str) -> bool:
        log.warning("A record of windows with the key %r cannot be read: %s", "|".join(key), why)
        return False


def _key_of(record: Record) -> SliceKey | None:
    """The slice that a record is about; a value may have any characters."""
    try:
        window, dimension, value = (record.key or b"").decode().split("|", 2)
    except ValueError:
        return None
    return SliceKey(window, dimension, value)
