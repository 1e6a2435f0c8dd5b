"""A crowd of viewers of any size: records whose state can be made as large as wanted.

Every viewer sends an event each three seconds, so the server time that a number of records spans
follows from the number of viewers. They watch contents that are drawn evenly from all there are,
which is the worst case for whatever remembers contents; real ones follow Zipf's law.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from models.timestamps import format_timestamp

GAP_MS = 3_000
"""Between two events of a viewer."""
START_MS = 1_767_322_800_000

_CHUNK = 10_000
# Neighbours in the order of sending are far apart in the order of opening, and so in memory.
_STRIDE = 7_919
_STEPS = 5
"""Impression, first frame, two positions (one in some views a stall), completion or swipe."""
_STALL_EVERY = 16
_ENTRY_POINTS = ("feed", "search", "direct", "share")


class CrowdRecord(NamedTuple):
    """A raw record as the worker's state takes it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Crowd:
    """``sessions`` viewers of one partition, watching ``contents`` contents.

    Each dimension has ``values`` values, drawn for each viewer and dimension by itself; entry
    points are at most the four that there are.
    """

    sessions: int
    contents: int
    values: int
    tag: str = "crowd"
    _steps: bytearray = field(init=False)
    _views: list[int] = field(init=False)
    _sent: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        # In the midst of their views, some about to leave.
        self._steps = bytearray(2 + number % (_STEPS - 2) for number in range(self.sessions))
        self._views = [0] * self.sessions

    @property
    def clock_ms(self) -> int:
        """The server time of the next record."""
        return START_MS + self._sent * GAP_MS // self.sessions

    def opening(self) -> Iterator[list[CrowdRecord]]:
        """Each viewer's impression and first frame: with these applied, all views are open."""
        chunk: list[CrowdRecord] = []
        for session in range(self.sessions):
            chunk.append(self._record(session, 0))
            chunk.append(self._record(session, 1))
            if len(chunk) >= _CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def events(self, records: int) -> list[CrowdRecord]:
        """The next events of the viewers, one after the other."""
        found = []
        stride = _STRIDE if self.sessions % _STRIDE else 1
        for _ in range(records):
            session = self._sent * stride % self.sessions
            step = self._steps[session]
            found.append(self._record(session, step))
            self._steps[session] = (step + 1) % _STEPS
            if step == _STEPS - 1:
                self._views[session] += 1
        return found

    def content_of(self, session: int, view: int) -> str:
        """What a viewer watches in a view."""
        return f"clip-{crc32(b'%d:%d' % (session, view)) % self.contents:07d}"

    def _record(self, session: int, step: int) -> CrowdRecord:
        offset, at_ms = self._sent, self.clock_ms
        self._sent += 1
        view = self._views[session]
        name, data = self._step(session, view, step)
        value = (
            f'{{"eventId":"{self.tag}{offset:010x}","sessionId":"session-{session:08x}",'
            f'"deviceId":"device-{session:08x}","timestamp":"{format_timestamp(at_ms)}",'
            f'"event":"{name}","contentId":"{self.content_of(session, view)}",'
            f'"platform":"{self._value(session, "platform")}",'
            f'"country":"{self._value(session, "country")}",'
            f'"networkType":"{self._value(session, "network")}",'
            f'"cdn":"{self._value(session, "cdn")}",'
            f'"appVersion":"{self._value(session, "app")}","data":{{{data}}}}}'
        )
        return CrowdRecord(offset, at_ms, f"session-{session:08x}".encode(), value.encode())

    def _step(self, session: int, view: int, step: int) -> tuple[str, str]:
        """Name and fields of one event of a view."""
        if step == 0:
            entry = self._index(session, "entry") % len(_ENTRY_POINTS)
            return "impression", f'"position":{view},"entryPoint":"{_ENTRY_POINTS[entry]}"'
        if step == 1:
            rendition = self._value(session, "rendition")
            codec = self._value(session, "codec")
            startup_ms = 100 + (session * 37 + view * 101) % 2_000
            return (
                "playStart",
                f'"startupTime":{startup_ms},"rendition":"{rendition}","codec":"{codec}"',
            )
        position = (step - 1) * GAP_MS // 1000
        if step < _STEPS - 1:
            if step == _STEPS - 2 and (session + view) % _STALL_EVERY == 0:
                return "rebuffer", f'"duration":700,"currentTime":{position}'
            return "watchProgress", f'"currentTime":{position},"duration":12'
        if (session + view) % 2:
            return "completion", f'"watchTime":{position},"looped":false'
        left, entered = (self.content_of(session, view + further) for further in (0, 1))
        return (
            "swipe",
            f'"fromContentId":"{left}","toContentId":"{entered}","watchTime":{position}',
        )

    def _index(self, session: int, dimension: str) -> int:
        return crc32(b"%b:%d" % (dimension.encode(), session)) % self.values

    def _value(self, session: int, dimension: str) -> str:
        return f"{dimension}-{self._index(session, dimension):02d}"
