"""A segment that is encoded by parts is the MessagePack of it as a whole."""

import msgspec
import pytest

from tables.segments import EncodedList, Segment, decode_segment, encode_segment


def encoded(*parts: list[object]) -> EncodedList:
    values = EncodedList()
    for part in parts:
        values.extend(part)
    return values


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_a_list_of_any_length_is_encoded_as_in_one_go(count: int) -> None:
    items: list[object] = [*range(count)]
    for parts in ([items], [items[: count // 3], items[count // 3 :]], [[], items, []]):
        assert b"".join(encoded(*parts).parts()) == msgspec.msgpack.encode(items)


def test_a_segment_is_encoded_as_in_one_go_and_decoded() -> None:
    segment = Segment(
        1_700_000_000_000, [("hd", "unknown")], [("ios", None)], ["a", None, 1.5, True, -9], ["b"]
    )
    payload = encode_segment(
        segment.clock_ms,
        segment.slices,
        segment.contexts,
        encoded(segment.values[:2], segment.values[2:]),
        segment.gone,
    )
    assert payload == msgspec.msgpack.encode(segment)
    assert decode_segment(payload) == segment
