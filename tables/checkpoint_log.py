"""The checkpoints of one partition: what to write of its state, and which entries then count."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from models.checkpoints import (
    CONTENTS,
    DEDUPE,
    KINDS,
    PANES,
    VIEWS,
    Checkpoint,
    EntryKey,
    Manifest,
    Totals,
    cut_payload,
    encode_entry,
    encode_manifest,
    entry_key,
    manifest_key,
)
from models.errors import OperatorError
from tables.partition import PartitionState
from tables.session_log import SegmentCut

_Name = tuple[str, int]


class Origin(NamedTuple):
    """What a checkpoint belongs to: a raw topic with its number of partitions."""

    topic: str
    partitions: int


class Cut(NamedTuple):
    """A checkpoint to write: records in their order, the manifest last, and the keys that nothing
    needs once it is durable and committed."""

    upto: int
    records: list[tuple[bytes, bytes]]
    superseded: list[bytes]


class CheckpointLog:
    """The entries that the checkpoint of one partition consists of.

    Args:
        run: a random id, new for every time that a partition is gained: with it no key is ever
            written twice, whatever a stalled worker still sends.
    """

    def __init__(self, state: PartitionState, origin: Origin, run: str) -> None:
        self.upto = -1
        """The raw offset that the last confirmed checkpoint reaches."""
        self._state = state
        self._origin = origin
        self._run = run
        self._epoch = 0
        self._next_number = 0
        self._live: dict[_Name, list[EntryKey]] = {}
        self._bytes: dict[EntryKey, int] = {}
        self._garbage: list[bytes] = []
        self._manifest_key: bytes | None = None
        self._begun: _Pending | None = None
        self._pending: _Pending | None = None

    def stored_bytes(self) -> dict[str, int]:
        """Bytes of the last confirmed checkpoint, by kind."""
        totals = dict.fromkeys(KINDS, 0)
        for (kind, _), keys in self._live.items():
            totals[kind] += sum(self._bytes[key] for key in keys)
        return totals

    def begin(self, totals: Totals, generation: int, fingerprint: int) -> None:
        """Begin a checkpoint of the state as it is. Nothing here waits.

        ``generation`` is that of the consumer group, ``fingerprint`` that of the last record. A
        checkpoint that was begun before and not confirmed is given up.
        """
        if self._pending is not None:
            # It failed, and what became of its records is not known.
            self._garbage += [*map(entry_key, self._pending.written), self._pending.manifest_key]
            self._pending = None
        state = self._state
        manifest = Manifest(
            self._epoch,
            generation,
            state.upto,
            self._origin.topic,
            state.partition,
            self._origin.partitions,
            fingerprint,
            totals,
            {},
        )
        writer = f"{generation}.{self._run}"
        begun = _Pending(dict(self._live), {}, writer, self._next_number, manifest)
        self._cut_contents(begun)
        self._cut_panes(begun)
        begun.ids = self._cut_ids(begun)
        state.views.log.begin(state.clock_ms)
        self._begun = begun

    def go_on(self, viewers: int) -> Cut | None:
        """Write so many viewers into the checkpoint that was begun; None: there are more.

        What happens to the state meanwhile is not in it.

        Raises:
            ValueError: none was begun.
        """
        begun, log = self._begun, self._state.views.log
        if begun is None:
            raise ValueError("no checkpoint was begun")
        if not log.write(viewers):
            return None
        self._add_views(begun, log.end())
        for added in begun.ids:
            begun.add(DEDUPE, added.hour, added.ids)
        begun.manifest = replace(begun.manifest, entries=_by_writer(begun.live))
        begun.manifest_key = manifest_key(EntryKey(begun.writer, begun.number))
        self._next_number = begun.number + 1
        # Only now: what was given up before then has no number that another one would not have.
        self._begun, self._pending = None, begun
        return self._records(begun)

    def _records(self, pending: "_Pending") -> Cut:
        still = {key for keys in pending.live.values() for key in keys}
        replaced = [key for keys in self._live.values() for key in keys if key not in still]
        superseded = [*map(entry_key, replaced), *self._garbage]
        if self._manifest_key is not None:
            superseded.append(self._manifest_key)
        records = [(entry_key(key), value) for key, value in pending.written.items()]
        records.append((pending.manifest_key, encode_manifest(pending.manifest)))
        return Cut(pending.manifest.upto, records, superseded)

    def confirm(self) -> None:
        """The last cut is durable and committed."""
        pending = self._pending
        if pending is None:
            return
        self._pending = None
        self._live = pending.live
        self._bytes.update({key: len(value) for key, value in pending.written.items()})
        kept = {key for keys in self._live.values() for key in keys}
        self._bytes = {key: size for key, size in self._bytes.items() if key in kept}
        self._garbage = []
        self._manifest_key = pending.manifest_key
        self.upto = pending.manifest.upto
        self._state.panes.confirm()
        self._state.views.log.confirm()
        self._state.dedupe.confirm()

    def discard(self, records: Iterable[bytes]) -> None:
        """No checkpoint holds: these keys of the topic go after the next one."""
        self._garbage += records

    def load(self, records: Mapping[bytes, bytes], found: Checkpoint) -> Iterator[None]:
        """Restore the state, fresh until now, from a checkpoint; pauses after every entry.

        ``records`` is everything that the topic holds of the partition: what the checkpoint does
        not consist of goes after the next one.

        Raises:
            OperatorError: the checkpoint belongs to another topic or number of partitions.
        """
        manifest = found.manifest
        _check_origin(manifest, self._origin, self._state.partition)
        parts: dict[_Name, list[bytes]] = {}
        for key, entry in sorted(found.entries, key=lambda it: (it[1].name, it[0], it[1].part)):
            name = (entry.kind, entry.name)
            self._live.setdefault(name, []).append(key)
            self._bytes[key] = len(entry.payload)
            pieces = parts.setdefault((entry.kind, entry.name), [])
            pieces.append(entry.payload)
            if entry.part == entry.parts - 1:
                self._load(entry.kind, entry.name, b"".join(parts.pop(name)))
            yield
        self._epoch = manifest.epoch + 1
        self.upto = manifest.upto
        self._manifest_key = found.key
        used = {entry_key(key) for key, _ in found.entries} | {found.key}
        self.discard(key for key in records if key not in used)
        self._state.restore(manifest.upto, manifest.totals)

    def _load(self, kind: str, name: int, payload: bytes) -> None:
        if kind == CONTENTS:
            self._state.contents.load(payload)
        elif kind == PANES:
            self._state.panes.load(name, payload)
        elif kind == VIEWS:
            self._state.views.log.load(name, payload)
        else:
            self._state.dedupe.load(name, payload)

    def _cut_contents(self, pending: "_Pending") -> None:
        """What waits is all news: it replaces what waited at the checkpoint before."""
        payload = self._state.contents.save()
        if payload is None:
            pending.live.pop((CONTENTS, 0), None)
        else:
            pending.replace(CONTENTS, 0, payload)

    def _cut_panes(self, pending: "_Pending") -> None:
        panes = self._state.panes
        for start_ms, payload in panes.cut():
            pending.replace(PANES, start_ms, payload)
        pending.keep(PANES, set(panes.starts()))

    def _cut_ids(self, pending: "_Pending") -> "list[_HourIds]":
        """New ids are added to those of their hour; an hour that is over becomes one piece."""
        dedupe = self._state.dedupe
        added = dict(dedupe.cut())
        hours = dedupe.hours()
        pending.keep(DEDUPE, set(hours))
        for hour in hours[:-1]:
            if len(pending.live.get((DEDUPE, hour), ())) > _MAX_PIECES_OF_FINISHED_HOUR:
                del pending.live[DEDUPE, hour]
                added.pop(hour, None)
                whole = _HourIds(hour, dedupe.ids_of(hour))
                return [whole, *(_HourIds(*others) for others in added.items())]
        return [_HourIds(*others) for others in added.items()]

    def _add_views(self, pending: "_Pending", cut: SegmentCut) -> None:
        if cut.payload is not None:
            pending.replace(VIEWS, cut.number, cut.payload)
        for number in cut.dropped:
            pending.live.pop((VIEWS, number), None)


_MAX_PIECES_OF_FINISHED_HOUR = 8


class _HourIds(NamedTuple):
    """Ids that were first seen in one hour, as an entry has them."""

    hour: int
    ids: bytes


class _Pending:
    """A checkpoint on its way: its entries by name, and those of them that are new."""

    def __init__(
        self,
        live: dict[_Name, list[EntryKey]],
        written: dict[EntryKey, bytes],
        writer: str,
        number: int,
        manifest: Manifest,
    ) -> None:
        self.live = live
        self.written = written
        self.writer = writer
        self.number = number
        self.manifest = manifest
        self.ids: list[_HourIds] = []
        self.manifest_key = b""

    def add(self, kind: str, name: int, payload: bytes) -> None:
        """A further piece under a name."""
        keys = []
        for entry in cut_payload(kind, name, self.manifest.upto, payload):
            key = EntryKey(self.writer, self.number)
            self.number += 1
            self.written[key] = encode_entry(entry)
            keys.append(key)
        self.live[kind, name] = [*self.live.get((kind, name), ()), *keys]

    def replace(self, kind: str, name: int, payload: bytes) -> None:
        """The only piece under a name."""
        self.live.pop((kind, name), None)
        self.add(kind, name, payload)

    def keep(self, kind: str, names: set[int]) -> None:
        """Let go of the entries of a kind under other names."""
        for live_kind, name in list(self.live):
            if live_kind == kind and name not in names:
                del self.live[live_kind, name]


def _by_writer(live: Mapping[_Name, list[EntryKey]]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for keys in live.values():
        for key in keys:
            numbers.setdefault(key.writer, []).append(key.number)
    return numbers


def _check_origin(manifest: Manifest, origin: Origin, partition: int) -> None:
    if (manifest.topic, manifest.partition) != (origin.topic, partition):
        raise OperatorError(
            f"the state topic holds a checkpoint of {manifest.topic}-{manifest.partition} where "
            f"that of {origin.topic}-{partition} belongs: give every deployment a "
            "PLAYVITALS_TOPIC_PREFIX of its own, or begin anew with 'playvitals topics reset'"
        )
    if manifest.partitions != origin.partitions:
        raise OperatorError(
            f"the checkpoint of {origin.topic} was made with {manifest.partitions} partitions and "
            f"there are {origin.partitions} now: dedupe and views work within a partition, so go "
            "back to the old number under a new PLAYVITALS_TOPIC_PREFIX, or begin anew with "
            "'playvitals topics reset'"
        )
