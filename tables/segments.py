"""Segments of viewers as MessagePack, of which the long list is encoded a part at a time."""

from typing import Any

import msgspec

from models.checked_events import Context


class Segment(msgspec.Struct, array_like=True, gc=False):
    """The viewers that changed since the cut before, and those that were forgotten.

    ``values`` are those of :class:`tables.saved_sessions.SessionWriter`, which name slices and
    contexts by their places, and times as distances from ``clock_ms``.
    """

    clock_ms: int
    slices: list[tuple[str, ...]]
    contexts: list[Context]
    values: list[Any]
    gone: list[str]


_FIELDS = len(Segment.__struct_fields__)
_encode = msgspec.msgpack.Encoder().encode
decode_segment = msgspec.msgpack.Decoder(Segment).decode


class EncodedList:
    """A list that is encoded by parts, so that its items are looked at while they are in the
    processor's caches, and need not be kept."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._count = 0

    def extend(self, items: list[object]) -> None:
        """Add these items at the end."""
        self._parts.append(_without_header(items))
        self._count += len(items)

    def parts(self) -> list[bytes]:
        """The MessagePack of the list, in parts."""
        return [_header(self._count), *self._parts]


def encode_segment(
    clock_ms: int,
    slices: list[tuple[str, ...]],
    contexts: list[Context],
    values: EncodedList,
    gone: list[str],
) -> bytes:
    """The payload of a :class:`Segment`."""
    before = _without_header([clock_ms, slices, contexts])
    return b"".join([_header(_FIELDS), before, *values.parts(), _encode(gone)])


def _without_header(items: list[Any]) -> bytes:
    return _encode(items)[len(_header(len(items))) :]


def _header(count: int) -> bytes:
    """What a list of so many items begins with."""
    if count < 1 << 4:
        return bytes([0x90 | count])
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")
