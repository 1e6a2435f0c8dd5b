"""What contents gained since it was last published, per minute of event time.

A pane of ten seconds holds one figure per value of a dimension; contents are too many for that.
So a partition keeps of them only what is news, and cuts it off at moments that follow from the
records alone: read again, it cuts the same, and whoever adds the cuts up counts each once.
"""

from collections.abc import Callable
from typing import Final

from models.content_figures import NONE_WATCHED, SUMS, ContentFigures
from models.content_partials import (
    ContentPartial,
    MinuteGains,
    decode_gains,
    encode_content_partial,
    encode_gains,
)

MINUTE_MS: Final = 60_000
CUT_MS: Final = 2_000
"""Gains are cut when the server time enters another one of these intervals."""
MAX_PENDING: Final = 2_000
"""Gains (of one content in one minute) that may wait: with more, the next record cuts them."""

_NOTHING: Final = [0] * SUMS
_Minute = dict[str, ContentFigures]
"""What contents gained in a minute."""


class ContentGains:
    """The gains of one raw partition that wait to be published.

    Args:
        partition_of: where the publications about a content go, by its id in UTF-8.
        publish: called with a partition of the ``contents`` topic and a value for it.
    """

    def __init__(
        self,
        partition: int,
        partition_of: Callable[[bytes], int],
        publish: Callable[[int, bytes], None],
    ) -> None:
        self.pending = 0
        """How many gains wait, of one content in one minute each."""
        self.next_cut_ms = 0
        """The server time from which on they do not wait any longer."""
        self._partition = partition
        self._partition_of = partition_of
        self._publish = publish
        self._minutes: dict[int, _Minute] = {}
        self._last: _Minute | None = None
        self._last_ms = 0

    def of(self, content_id: str, moment_ms: int) -> ContentFigures:
        """Where to add what a content gains in the minute of ``moment_ms``."""
        minute = self._minute(moment_ms - moment_ms % MINUTE_MS)
        figures = minute.get(content_id)
        if figures is None:
            self.pending += 1
            figures = minute[content_id] = ContentFigures(_NOTHING.copy(), NONE_WATCHED)
        return figures

    def _minute(self, start_ms: int) -> _Minute:
        last = self._last
        if last is not None and start_ms == self._last_ms:
            return last
        minute = self._minutes.get(start_ms)
        if minute is None:
            minute = self._minutes[start_ms] = {}
        self._last_ms, self._last = start_ms, minute
        return minute

    def cut(self, offset: int, clock_ms: int, server_ms: int) -> None:
        """Publish everything that waits, before the record at ``offset`` of the time ``server_ms``
        is taken in; ``clock_ms`` is the server time so far."""
        parts: dict[int, list[MinuteGains]] = {}
        for start_ms, minute in sorted(self._minutes.items()):
            contents: dict[int, dict[str, ContentFigures]] = {}
            for content_id, figures in minute.items():
                to = self._partition_of(content_id.encode())
                gains = contents.get(to)
                if gains is None:
                    gains = contents[to] = {}
                gains[content_id] = figures
            for to, of_minute in contents.items():
                parts.setdefault(to, []).append(MinuteGains(start_ms, of_minute))
        for to, minutes in sorted(parts.items()):
            partial = ContentPartial(self._partition, offset, clock_ms, minutes)
            self._publish(to, encode_content_partial(partial))
        self._minutes = {}
        self._last = None
        self.pending = 0
        self._wait_from(max(clock_ms, server_ms))

    def save(self) -> bytes | None:
        """What waits, for a checkpoint; None: nothing."""
        if not self.pending:
            return None
        minutes = [MinuteGains(start_ms, minute) for start_ms, minute in self._minutes.items()]
        return encode_gains(minutes)

    def load(self, payload: bytes) -> None:
        """Restore what :meth:`save` returned."""
        for gains in decode_gains(payload):
            minute = self._minute(gains.start_ms)
            minute.update(gains.contents)
            self.pending += len(minute)

    def restore(self, clock_ms: int) -> None:
        """Go on from this server time."""
        self._wait_from(clock_ms)

    def _wait_from(self, server_ms: int) -> None:
        self.next_cut_ms = server_ms - server_ms % CUT_MS + CUT_MS
