"""MurmurHash2 as Kafka's clients use it to place keys: 32 bits, with their seed.

Its constants are those of Apache Kafka's ``org.apache.kafka.common.utils.Utils.murmur2``; of Austin
Appleby's algorithm the seed alone is Kafka's own.
"""

from typing import Final

from mypy_extensions import i64

_SEED: Final[i64] = 0x9747B28C
_FACTOR: Final[i64] = 0x5BD1E995
_SHIFT: Final[i64] = 24
_BITS: Final[i64] = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash of ``data``, from 0 to 2^32 - 1."""
    length: i64 = len(data)
    found: i64 = _SEED ^ length
    words_end: i64 = length - length % 4
    place: i64 = 0
    while place < words_end:
        byte_0: i64 = data[place]
        byte_1: i64 = data[place + 1]
        byte_2: i64 = data[place + 2]
        byte_3: i64 = data[place + 3]
        # Factors below 2^31 and 2^32, so a product fits into 63 bits.
        word = (byte_0 | byte_1 << 8 | byte_2 << 16 | byte_3 << 24) * _FACTOR & _BITS
        word = (word ^ word >> _SHIFT) * _FACTOR & _BITS
        found = (found * _FACTOR & _BITS) ^ word
        place += 4
    rest: i64 = 0
    while length > place:
        length -= 1
        last: i64 = data[length]
        rest = rest << 8 | last
    if words_end < len(data):
        found = (found ^ rest) * _FACTOR & _BITS
    found = (found ^ found >> 13) * _FACTOR & _BITS
    return found ^ found >> 15
