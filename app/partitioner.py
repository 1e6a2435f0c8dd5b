"""Kafka's default partitioner."""

from functools import lru_cache
from types import BuiltinFunctionType

from models.murmur2 import murmur2

_REMEMBERED_KEYS = 1 << 16
# Compiled, hashing takes less than looking up; as Python it takes microseconds, and a session sends
# many events with one key.
_hash = (
    murmur2
    if isinstance(murmur2, BuiltinFunctionType)
    else lru_cache(maxsize=_REMEMBERED_KEYS)(murmur2)
)


def partition_for(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client sends ``key`` to, of ``partitions``."""
    return (_hash(key) & 0x7FFFFFFF) % partitions
