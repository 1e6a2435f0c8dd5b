"""Viewers as a checkpoint keeps them: a log of segments, each with what changed between two.

A segment holds of some viewers everything, and of others what changed since an earlier one. What
it takes to write one follows the traffic, however much is remembered. The log is kept short from
its old end: viewers of whom the oldest segment holds everything are written whole once more, into
the newest, and the segment goes.

A segment has the viewers as they were when its cut was begun, and is written in steps while events
go on: whoever is about to change is written first.
"""

from typing import NamedTuple

from models.dimensions import SliceTable
from tables.saved_sessions import SessionReader, SessionWriter
from tables.segments import decode_segment, encode_segment
from tables.session_changes import SessionChanges
from tables.sessions import Session

MAX_SEGMENTS = 128
STALE_RATIO = 4
"""The log may name this many times as many viewers as there are, and some more."""
_SPARE_VIEWERS = 1_000


class SegmentCut(NamedTuple):
    """The segment to write, if any viewer changed, and the numbers of those that may go then."""

    number: int
    payload: bytes | None
    dropped: list[int]


class SessionLog:
    """The segments of one partition.

    Args:
        sessions: the viewers that are remembered now; only loading changes them.
        table: where the slices of restored views come from.
        changes: of these viewers.
    """

    def __init__(
        self, sessions: dict[str, Session], table: SliceTable, changes: SessionChanges
    ) -> None:
        self._sessions = sessions
        self._table = table
        self._changes = changes
        self._segments: dict[int, list[str]] = {}
        self._cut: dict[str, None] = {}
        """In the order in which they changed: so they lie side by side in memory."""
        self._clock_ms = 0
        self._waiting: list[Session] = []
        self._whole: list[Session] = []
        self._gone: list[str] = []
        self._cut_number = 0
        self._dropped: list[int] = []

    def begin(self, clock_ms: int) -> None:
        """Begin a cut of what changed since the last confirmed one, at this server time.

        One that was begun before and not confirmed is given up.
        """
        for given_up in self._waiting:
            given_up.unwritten = False
        for viewer in self._cut:
            # What became of the cut before is not known.
            session = self._sessions.get(viewer)
            if session is not None:
                session.whole = True
        for touched in self._changes.touched:
            self._cut[touched.viewer] = None
        self._changes.touched.clear()
        self._shorten()
        self._cut_number = max(self._segments, default=self._cut_number) + 1
        self._clock_ms = clock_ms
        self._changes.writer = SessionWriter(clock_ms)
        self._waiting, self._whole, self._gone = [], [], []
        for viewer in self._cut:
            session = self._sessions.get(viewer)
            if session is None:
                self._gone.append(viewer)
                continue
            session.unwritten = True
            self._waiting.append(session)
            if session.whole:
                self._whole.append(session)

    def write(self, viewers: int) -> bool:
        """Write so many viewers, and tell whether that were the last ones."""
        waiting, writer = self._waiting, self._changes.writer
        for _ in range(min(viewers, len(waiting))):
            session = waiting.pop()
            if session.unwritten:
                writer.add(session)
        return not waiting

    def end(self) -> SegmentCut:
        """The cut, once all viewers are written."""
        dropped = list(self._dropped)
        if not self._cut:
            return SegmentCut(self._cut_number, None, dropped)
        writer = self._changes.writer
        payload = encode_segment(
            self._clock_ms,
            [slices.values for slices in writer.slices],
            list(writer.contexts),
            writer.finish(),
            self._gone,
        )
        self._changes.writer = SessionWriter(self._clock_ms)
        return SegmentCut(self._cut_number, payload, dropped)

    def confirm(self) -> None:
        """What the last cut returned is durable."""
        if self._cut:
            self._segments[self._cut_number] = list(self._cut)
            for session in self._whole:
                session.saved_in = self._cut_number
        self._cut.clear()
        self._whole.clear()
        self._dropped.clear()

    def load(self, number: int, payload: bytes) -> None:
        """Restore what a segment says that a cut returned; load segments in ascending order, since
        a newer one goes on from what older ones say."""
        segment = decode_segment(payload)
        slices = [self._table.get(values) for values in segment.slices]
        reader = SessionReader(segment.clock_ms, slices, segment.contexts, segment.values)
        found = reader.read_into(self._sessions)
        for viewer, whole in found:
            if whole:
                self._sessions[viewer].saved_in = number
        for viewer in segment.gone:
            self._sessions.pop(viewer, None)
        self._segments[number] = [viewer for viewer, _ in found] + segment.gone
        self._cut_number = number

    def _shorten(self) -> None:
        """Let go of the oldest segments, once the log is too long, by writing the viewers whole of
        whom they hold everything.

        As many who did nothing are written for that as did something, and of the latter every
        fourth at most is written whole: so each cut takes about the same time.
        """
        room = max(len(self._cut), _SPARE_VIEWERS)
        room_for_changes = max(len(self._cut) // STALE_RATIO, _SPARE_VIEWERS)
        versions = sum(map(len, self._segments.values()))
        while self._segments and room > 0 and room_for_changes > 0:
            too_stale = versions > STALE_RATIO * len(self._sessions) + _SPARE_VIEWERS
            if not too_stale and len(self._segments) < MAX_SEGMENTS:
                return
            oldest = next(iter(self._segments))
            viewers = self._segments[oldest]
            while viewers and room > 0 and room_for_changes > 0:
                viewer = viewers.pop()
                versions -= 1
                session = self._sessions.get(viewer)
                if session is None or session.saved_in != oldest:
                    continue
                if viewer not in self._cut:
                    self._cut[viewer] = None
                    room -= 1
                elif not session.whole:
                    room_for_changes -= 1
                session.whole = True
            if not viewers:
                del self._segments[oldest]
                self._dropped.append(oldest)
