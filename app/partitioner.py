"""Kafka's default partitioner, remembered per key."""

from functools import lru_cache

from models.murmur2 import murmur2

_REMEMBERED_KEYS = 1 << 16


@lru_cache(maxsize=_REMEMBERED_KEYS)
def partition_for(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client sends ``key`` to, of ``partitions``.

    Where the hash is not compiled it takes microseconds; a session sends many events with one key.
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions
