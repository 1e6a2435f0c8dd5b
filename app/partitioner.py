"""Kafka's default partitioner, remembered per key."""

from functools import lru_cache

from aiokafka.partitioner import murmur2

_REMEMBERED_KEYS = 1 << 16


@lru_cache(maxsize=_REMEMBERED_KEYS)
def partition_for(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client sends ``key`` to, of ``partitions``.

    The hash is pure Python and takes microseconds; a session sends many events with one key.
    """
    digest: int = murmur2(key)
    return (digest & 0x7FFFFFFF) % partitions
