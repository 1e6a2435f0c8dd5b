"""The records of the ``state`` topic: what the checkpoints of a raw partition are made of.

A checkpoint is some entries and, after them, one manifest that names every entry it consists of,
those of earlier checkpoints among them. It counts only as a whole: a manifest whose entries are
not all there is passed over. So any beginning of the log restores to a state that was consistent.

Keys are never used twice. A value is one byte with the schema version and then MessagePack.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from models.errors import OperatorError

SCHEMA = 4
CONTENTS = "contents"
PANES = "panes"
VIEWS = "views"
DEDUPE = "dedupe"
KINDS = (CONTENTS, PANES, VIEWS, DEDUPE)
"""In the order in which a checkpoint writes them: what lies downstream first."""

MAX_PAYLOAD_BYTES = 512 << 10
"""Longer payloads are cut: a record has to stay under the limit of producers and brokers, 1 MB."""

_ENTRY, _MANIFEST = b"e", b"m"
_VERSION = bytes([SCHEMA])


class EntryKey(NamedTuple):
    """Who wrote an entry (group generation and a random run id), and its number there."""

    writer: str
    number: int


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A piece of the state of a partition as it was after the raw offset ``upto``.

    ``name`` tells the pieces of a kind apart: the start of a pane in ms, the number of a segment
    of viewers, an hour of ids; the gains of contents are one piece. A payload that was cut has
    ``parts`` entries, from 0.
    """

    kind: str
    name: int
    upto: int
    part: int
    parts: int
    payload: bytes


class Totals(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is one number per partition. Times are milliseconds of server time.

    ``swept_ms`` is when panes and ids were last looked through for old ones, ``behind_ms`` how far
    the partition's clock was behind the wall clock, ``opened`` the views that were ever opened.
    """

    clock_ms: int = -1
    swept_ms: int = -1
    behind_ms: int | None = None
    passed: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    opened: int = 0


class Manifest(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One checkpoint: where it ends, what it belongs to, and the entries that it consists of.

    Of several, the one with the highest :attr:`rank` holds. ``epoch`` grows with every restore, so
    a worker that was stalled while another took over never outranks it. ``fingerprint`` is that of
    the raw record at ``upto``; -1 where nothing was read yet.
    """

    epoch: int
    generation: int
    upto: int
    topic: str
    partition: int
    partitions: int
    fingerprint: int
    totals: Totals
    entries: dict[str, list[int]]
    """Numbers by writer."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """What manifests are ordered by."""
        return self.epoch, self.generation, self.upto

    def keys(self) -> list[EntryKey]:
        """The entries of this checkpoint."""
        return [EntryKey(writer, n) for writer, numbers in self.entries.items() for n in numbers]


class Checkpoint(NamedTuple):
    """A checkpoint as it was read."""

    key: bytes
    manifest: Manifest
    entries: list[tuple[EntryKey, Entry]]


_encode = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(Entry).decode
_decode_manifest = msgspec.msgpack.Decoder(Manifest).decode

T = TypeVar("T")


def entry_key(key: EntryKey) -> bytes:
    """The Kafka key of an entry."""
    return b"%b.%b.%d" % (_ENTRY, key.writer.encode(), key.number)


def manifest_key(key: EntryKey) -> bytes:
    """The Kafka key of a manifest."""
    return b"%b.%b.%d" % (_MANIFEST, key.writer.encode(), key.number)


def is_manifest(key: bytes) -> bool:
    """Whether this is the Kafka key of a manifest."""
    return key.startswith(_MANIFEST)


def encode_entry(entry: Entry) -> bytes:
    """The Kafka value of an entry."""
    return _VERSION + _encode(entry)


def encode_manifest(manifest: Manifest) -> bytes:
    """The Kafka value of a manifest."""
    return _VERSION + _encode(manifest)


def decode_entry(value: bytes) -> Entry:
    """The entry of a Kafka value.

    Raises:
        OperatorError: another version wrote it, or it is no entry.
    """
    return _decoded(_decode_entry, value)


def decode_manifest(value: bytes) -> Manifest:
    """The manifest of a Kafka value.

    Raises:
        OperatorError: another version wrote it, or it is no manifest.
    """
    return _decoded(_decode_manifest, value)


def cut_payload(kind: str, name: int, upto: int, payload: bytes) -> list[Entry]:
    """The entries of one payload, each short enough for a record."""
    size = MAX_PAYLOAD_BYTES
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    return [Entry(kind, name, upto, part, len(pieces), piece) for part, piece in enumerate(pieces)]


def newest_checkpoint(records: Mapping[bytes, bytes]) -> Checkpoint | None:
    """The checkpoint that holds among the records of one partition of the topic; None: there is
    none.

    Raises:
        OperatorError: an entry or a manifest was written by another version.
    """
    manifests = [(decode_manifest(v), k) for k, v in records.items() if is_manifest(k)]
    manifests.sort(key=lambda found: found[0].rank, reverse=True)
    for manifest, key in manifests:
        keys = manifest.keys()
        values = [records.get(entry_key(entry)) for entry in keys]
        if None not in values:
            entries = [
                (entry, decode_entry(value))
                for entry, value in zip(keys, values, strict=True)
                if value is not None
            ]
            return Checkpoint(key, manifest, entries)
    return None


def _decoded(decode: Callable[[bytes], T], value: bytes) -> T:
    if not value.startswith(_VERSION):
        raise OperatorError(
            f"the state topic holds a record of schema {value[0] if value else 'none'}, and this "
            f"version of playvitals reads {SCHEMA}: run the version that wrote it, or begin anew "
            "with 'playvitals topics reset'"
        )
    try:
        return decode(value[1:])
    except msgspec.MsgspecError as error:
        raise OperatorError(
            f"the state topic holds a record that cannot be read ({error}): see who else writes "
            "there, and begin anew with 'playvitals topics reset'"
        ) from None
