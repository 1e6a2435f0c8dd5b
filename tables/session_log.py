"""Viewers as a checkpoint keeps them: a log of segments, each with the viewers that changed.

A segment holds whole viewers, and the newest segment that names one holds. Rewriting only what
changed costs as much as the traffic does, however many idle viewers are remembered. The log is
kept short from its old end: the viewers of the oldest segment that no newer one names move to the
newest, and the segment goes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from models.dimensions import Slices, SliceTable
from models.marks import Mark
from models.views import view_of, view_values
from tables.sessions import Session

MAX_SEGMENTS = 128
STALE_RATIO = 2
"""The log may hold this many times as many viewers as there are, and some more."""
_SPARE_VIEWERS = 1_000


class SavedSession(msgspec.Struct, array_like=True, gc=False):
    """One viewer, with views and marks in their order."""

    viewer: str
    views: list[Any]
    marks: list[Mark]
    newest_at_ms: int
    forgotten_at_ms: int
    active_pane_ms: int
    active_slices: Slices | None


class Segment(msgspec.Struct, array_like=True, gc=False):
    """The viewers that changed between two checkpoints, and those that were forgotten."""

    viewers: list[SavedSession]
    gone: list[str]


class SegmentCut(NamedTuple):
    """The segment to write, if any viewer changed, and the numbers of those that may go then."""

    number: int
    payload: bytes | None
    dropped: list[int]


def _encode_slices(slices: Any) -> Any:
    return slices.values


_encode = msgspec.msgpack.Encoder(enc_hook=_encode_slices).encode


class SessionLog:
    """The segments of one partition.

    Args:
        sessions: the viewers that are remembered now; only loading changes them.
        table: where the slices of restored views come from.
        touched: viewers that changed since the last cut; whoever changes one adds it.
    """

    def __init__(self, sessions: dict[str, Session], table: SliceTable, touched: set[str]) -> None:
        self.touched = touched
        self._sessions = sessions
        self._table = table
        self._decode = msgspec.msgpack.Decoder(
            Segment, dec_hook=lambda _, values: self._slices_of(values)
        ).decode
        self._segments: dict[int, list[str]] = {}
        self._cut: set[str] = set()
        self._cut_number = 0
        self._dropped: list[int] = []

    def cut(self) -> SegmentCut:
        """The viewers that changed since the last confirmed cut."""
        self._cut |= self.touched
        self.touched.clear()
        self._drop_old_segments()
        dropped = list(self._dropped)
        self._cut_number = max(self._segments, default=self._cut_number) + 1
        if not self._cut:
            return SegmentCut(self._cut_number, None, dropped)
        found = [(viewer, self._sessions.get(viewer)) for viewer in self._cut]
        segment = Segment(
            [_saved(session) for _, session in found if session is not None],
            [viewer for viewer, session in found if session is None],
        )
        return SegmentCut(self._cut_number, _encode(segment), dropped)

    def confirm(self) -> None:
        """What the last cut returned is durable."""
        if self._cut:
            self._segments[self._cut_number] = list(self._cut)
            for viewer in self._cut:
                session = self._sessions.get(viewer)
                if session is not None:
                    session.saved_in = self._cut_number
        self._cut.clear()
        self._dropped.clear()

    def load(self, number: int, payload: bytes) -> None:
        """Restore the viewers of a segment that a cut returned; load segments in ascending order,
        since a newer one replaces what an older one says."""
        segment = self._decode(payload)
        for saved in segment.viewers:
            self._sessions[saved.viewer] = self._restored(saved, number)
        for viewer in segment.gone:
            self._sessions.pop(viewer, None)
        self._segments[number] = [saved.viewer for saved in segment.viewers] + segment.gone
        self._cut_number = number

    def _drop_old_segments(self) -> None:
        """Move what the oldest segments alone know to the next one, at most as much as it holds."""
        versions = sum(map(len, self._segments.values()))
        room = max(len(self._cut), _SPARE_VIEWERS)
        while self._segments and room > 0:
            too_stale = versions > STALE_RATIO * len(self._sessions) + _SPARE_VIEWERS
            if not too_stale and len(self._segments) < MAX_SEGMENTS:
                return
            oldest = next(iter(self._segments))
            viewers = self._segments.pop(oldest)
            versions -= len(viewers)
            self._dropped.append(oldest)
            for viewer in viewers:
                session = self._sessions.get(viewer)
                if session is not None and session.saved_in == oldest and viewer not in self._cut:
                    self._cut.add(viewer)
                    room -= 1

    def _restored(self, saved: SavedSession, number: int) -> Session:
        session = Session(saved.viewer)
        session.restore([view_of(values, self._slices_of) for values in saved.views])
        session.marks = saved.marks
        session.newest_at_ms = saved.newest_at_ms
        session.forgotten_at_ms = saved.forgotten_at_ms
        session.active_pane_ms = saved.active_pane_ms
        session.active_slices = saved.active_slices
        session.saved_in = number
        return session

    def _slices_of(self, values: Sequence[str]) -> Slices:
        return self._table.get(tuple(values))


def _saved(session: Session) -> SavedSession:
    return SavedSession(
        session.viewer,
        [view_values(view) for view in session.all_views()],
        session.marks,
        session.newest_at_ms,
        session.forgotten_at_ms,
        session.active_pane_ms,
        session.active_slices,
    )
