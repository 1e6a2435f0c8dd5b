"""The state of one raw partition: one pass over its records, in order."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final, Protocol, final

import orjson
from mypy_extensions import mypyc_attr

from models.checkpoints import Totals
from models.event_kinds import KINDS, LABEL_OF
from models.events import CUSTOM, EVENT_TYPES
from models.explanation import parse_object
from models.timestamps import format_timestamp
from models.validation import read_event
from models.verdicts import MALFORMED, CheckedEvent, Fault, Refusal
from models.views import NEVER, View, view_key, view_record
from models.wire import accepted_form, continuation, derived_event_id
from tables.content_gains import MAX_PENDING, ContentGains
from tables.counters import Counters
from tables.dedupe import Dedupe, digest_of
from tables.panes import PANE_MS, PaneStore, pane_of
from tables.rules import PartitionRules
from tables.views import ViewTracker

TICK_HEADER: Final = "pv-tick"
ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
REJECTED: Final = "rejected"
UNKNOWN_LABEL: Final = "unknown"
_PIECE_RECORDS: Final = 100
"""So many records are read before the first of them is applied. Looking up ids costs less for many
at a time; but the events of a whole fold are more than a processor's cache takes."""
_THOUSAND: Final = 1000
_LAST_DIGITS: Final = [f"{number:03d}".encode() for number in range(_THOUSAND)]
_KEY_FIELDS = ("sessionId", "deviceId", "userId", "contentId")
_NO_VALUE = Refusal((Fault(MALFORMED, "", "the record has no value"),))


class Record(Protocol):
    """A Kafka record; ``timestamp`` is its server time in milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


AcceptedRecord = tuple[bytes, bytes, int, bytes]
"""Key, value, server time in ms, and the raw record's partition:offset."""


class Outputs(Protocol):
    """Where the records of the downstream topics go. Nothing here waits."""

    def accepted(self, partition: int, records: Sequence[AcceptedRecord]) -> None:
        """Records of ``events.accepted``, in their order, for one of its partitions."""

    def rejected(self, partition: int, key: bytes | None, value: bytes, clock_ms: int) -> None:
        """One record of ``events.rejected``."""

    def view(self, key: bytes, value: bytes, clock_ms: int) -> None:
        """One record of ``views``."""

    def contents(self, partition: int, value: bytes) -> None:
        """One record of ``contents``, for one of its partitions."""


@final
@mypyc_attr(acyclic=True)
class _Step:
    """A new record, and what is to be done with it (None: it only moves the clock).

    Args:
        event_id: of an event its id; ``digest`` is what that is remembered by.
    """

    __slots__ = ("checked", "digest", "event_id", "offset", "raw", "record", "server_ms")

    def __init__(
        self,
        record: Record,
        offset: int,
        server_ms: int,
        raw: bytes,
        checked: CheckedEvent | Refusal | None,
        event_id: str,
        digest: int,
    ) -> None:
        self.record = record
        self.offset = offset
        self.server_ms = server_ms
        self.raw = raw
        self.checked = checked
        self.event_id = event_id
        self.digest = digest


class _Tally:
    """What a fold has counted so far."""

    __slots__ = ("accepted", "delays_ms", "duplicate", "times_ms")

    def __init__(self) -> None:
        self.accepted = [0] * KINDS
        self.duplicate = [0] * KINDS
        self.times_ms: list[int] = []
        """The server times of the records, but for ticks."""
        self.delays_ms: list[int] = []
        """From the time of an accepted event to its server time."""


def is_tick(record: Record) -> bool:
    """Whether a record only moves the clock."""
    return record.value is None and any(name == TICK_HEADER for name, _ in record.headers)


class PartitionState:
    """Dedupe, open views, panes and totals of one raw partition.

    Deterministic: the same records in the same order give the same state and the same outputs,
    however they are cut into folds.
    """

    def __init__(
        self,
        partition: int,
        rules: PartitionRules,
        counters: Counters,
        outputs: Outputs,
        partition_of: Callable[[bytes], int],
    ) -> None:
        self.partition = partition
        self.upto = -1
        """The offset of the last record applied."""
        self.clock_ms = -1
        """The largest record timestamp seen: the server time of this partition."""
        self.accepted = 0
        self.duplicate = 0
        self.rejected = 0
        self.panes = PaneStore(rules.kept_ms, rules.dimensions, counters)
        self.dedupe = Dedupe(rules.dedupe_hours)
        self.contents = ContentGains(partition, partition_of, outputs.contents)
        self.views = ViewTracker(rules, self.panes, self.contents, counters, self._publish_view)
        self._topic = rules.topic
        self._catalogue = rules.catalogue
        self._counters = counters
        self._outputs = outputs
        self._partition_of = partition_of
        self.swept_ms = -1
        """The server time at which panes and ids were last looked through for old ones."""
        self._next_pane_ms = 0
        self._thousand = -_THOUSAND
        """The offset from which on a source begins with the next."""
        self._source_start = b""

    def apply(self, records: Sequence[Record]) -> list[int]:
        """Take in consecutive records; those up to ``upto`` were applied before and are skipped.

        Returns the server times of the new records, but for ticks.
        """
        self.dedupe.tidy()
        tally = _Tally()
        for at in range(0, len(records), _PIECE_RECORDS):
            self._apply_piece(records[at : at + _PIECE_RECORDS], tally)
        self._count(tally)
        return tally.times_ms

    def _apply_piece(self, records: Sequence[Record], tally: _Tally) -> None:
        steps, digests = self._read(records)
        recalled = self.dedupe.recall(digests)
        counters = self._counters
        contents, views, dedupe, panes = self.contents, self.views, self.dedupe, self.panes
        own: list[AcceptedRecord] = []
        received_ms = -1
        continued = b""
        for step in steps:
            offset = step.offset
            server_ms = step.server_ms
            self.upto = offset
            if server_ms >= contents.next_cut_ms or contents.pending >= MAX_PENDING:
                contents.cut(offset, self.clock_ms, server_ms)
            if server_ms > self.clock_ms:
                self._move_clock(server_ms)
            checked = step.checked
            if checked is None:
                continue
            tally.times_ms.append(server_ms)
            if not isinstance(checked, CheckedEvent):
                self._reject(step.record, checked)
                continue
            kind = checked.kind
            event_id = step.event_id
            clock_ms = self.clock_ms
            if not dedupe.add(step.digest, clock_ms, recalled):
                tally.duplicate[kind] += 1
                continue
            tally.accepted[kind] += 1
            at_ms = checked.timestamp_ms
            if checked.adjusted:
                counters.adjusted_timestamps += 1
            tally.delays_ms.append(server_ms - at_ms)
            counted_ms = at_ms if at_ms <= clock_ms else server_ms
            pane_ms = counted_ms - counted_ms % PANE_MS
            if pane_ms <= panes.horizon_ms:
                counters.late_events += 1
            session = views.follow(checked, event_id, at_ms, pane_ms)
            if checked.can_be_continued:
                if server_ms != received_ms or not continued:
                    received_ms = server_ms
                    continued = continuation(server_ms)
                value = step.raw[:-1] + continued
            else:
                value = accepted_form(step.raw, checked, event_id, server_ms)
            source = self._source(offset)
            if session is None or checked.session_id is None:
                key = checked.key().encode()
                partition = self._partition_of(key)
            else:
                key = session.viewer.encode()
                if session.partition == NEVER:
                    session.partition = self._partition_of(key)
                partition = session.partition
            if partition == self.partition:
                own.append((key, value, clock_ms, source))
            else:
                counters.misrouted += 1
                self._outputs.accepted(partition, [(key, value, clock_ms, source)])
        if own:
            self._outputs.accepted(self.partition, own)

    def _count(self, tally: _Tally) -> None:
        events = self._counters.events
        for kind, label in LABEL_OF.items():
            accepted, duplicate = tally.accepted[kind], tally.duplicate[kind]
            if accepted:
                self.accepted += accepted
                events[label, ACCEPTED] += accepted
            if duplicate:
                self.duplicate += duplicate
                events[label, DUPLICATE] += duplicate
        if tally.delays_ms:
            self._counters.event_delay.observe_many(tally.delays_ms)
            self._counters.last_event_ms = max(self._counters.last_event_ms, self.clock_ms)

    def restore(self, upto: int, totals: Totals) -> None:
        """Go on after ``upto``, once panes, viewers and ids were loaded."""
        self.upto = upto
        self.clock_ms = totals.clock_ms
        self.accepted = totals.accepted
        self.duplicate = totals.duplicate
        self.rejected = totals.rejected
        if totals.swept_ms >= 0:
            self._sweep(totals.swept_ms)
        self.views.restore(totals.clock_ms, totals.opened)
        self.contents.restore(totals.clock_ms)

    def _read(self, records: Sequence[Record]) -> tuple[list[_Step], list[int]]:
        """Decode what is new: nothing of it depends on the state."""
        steps: list[_Step] = []
        digests: list[int] = []
        for record in records:
            offset = record.offset
            if offset <= self.upto:
                continue
            server_ms = record.timestamp
            raw = record.value
            if raw is None:
                verdict = None if is_tick(record) else _NO_VALUE
                steps.append(_Step(record, offset, server_ms, b"", verdict, "", 0))
                continue
            checked = read_event(raw, server_ms, None, self._catalogue)
            event_id = ""
            digest = 0
            if isinstance(checked, CheckedEvent):
                event_id = checked.event_id or self._derive_id(checked, raw, offset)
                digest = digest_of(event_id)
                digests.append(digest)
            steps.append(_Step(record, offset, server_ms, raw, checked, event_id, digest))
        return steps, digests

    def _move_clock(self, server_ms: int) -> None:
        self.views.move_clock(server_ms)
        self.clock_ms = server_ms
        if server_ms >= self._next_pane_ms:
            self._sweep(server_ms)

    def _sweep(self, server_ms: int) -> None:
        self.swept_ms = server_ms
        self._next_pane_ms = pane_of(server_ms) + PANE_MS
        self.views.forget_panes(self.panes.forget_before(server_ms))
        self.dedupe.forget_before(server_ms)

    def _source(self, offset: int) -> bytes:
        """``partition:offset``; all but the last three digits are those of many records."""
        into_thousand = offset - self._thousand
        if not 0 <= into_thousand < _THOUSAND:
            if offset < _THOUSAND:
                return f"{self.partition}:{offset}".encode()
            into_thousand = offset % _THOUSAND
            self._thousand = offset - into_thousand
            self._source_start = f"{self.partition}:{offset // _THOUSAND}".encode()
        return self._source_start + _LAST_DIGITS[into_thousand]

    def _derive_id(self, checked: CheckedEvent, raw: bytes, offset: int) -> str:
        if checked.has_timestamp:
            return derived_event_id(raw)
        source = f"{self._topic}:{self.partition}:{offset}"
        return blake2b(source.encode(), digest_size=16).hexdigest()

    def _reject(self, record: Record, refusal: Refusal) -> None:
        raw = record.value or b""
        fault = refusal.faults[0]
        self.rejected += 1
        fields = parse_object(raw)
        known = fields if isinstance(fields, dict) else {}
        self._counters.events[_label_of(known.get("event")), REJECTED] += 1
        self._counters.rejected[fault.reason] += 1
        names = [name for name in map(known.get, _KEY_FIELDS) if isinstance(name, str) and name]
        key = names[0].encode() if names else record.key
        partition = self.partition if key is None else self._partition_of(key)
        value: dict[str, object] = {
            "reason": fault.reason,
            "field": fault.field or None,
            "message": fault.message,
            "receivedAt": format_timestamp(record.timestamp),
            "source": {
                "topic": self._topic,
                "partition": self.partition,
                "offset": record.offset,
            },
        }
        try:
            value["raw"] = raw.decode()
        except UnicodeDecodeError:
            value["raw"] = b64encode(raw).decode()
            value["rawEncoding"] = "base64"
        self._outputs.rejected(partition, key, orjson.dumps(value), self.clock_ms)

    def _publish_view(self, view: View, clock_ms: int) -> None:
        self._outputs.view(view_key(view).encode(), view_record(view), clock_ms)


def _label_of(name: object) -> str:
    """A refused event's name as a metric label: never more than the known names and two more."""
    if not isinstance(name, str):
        return UNKNOWN_LABEL
    return name if name in EVENT_TYPES else CUSTOM
