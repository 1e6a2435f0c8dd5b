"""The partitioner: every Kafka client must send a key to the same place."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from app.partitioner import partition_for


@pytest.mark.parametrize(
    ("key", "murmur2"),
    # The values of Apache Kafka's own test of murmur2 (UtilsTest.testMurmur2).
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_key_goes_where_the_java_client_sends_it(key: bytes, murmur2: int) -> None:
    assert partition_for(key, 12) == (murmur2 & 0x7FFFFFFF) % 12


@given(st.binary(max_size=200), st.integers(min_value=1, max_value=1000))
def test_it_agrees_with_the_default_partitioner_of_the_client(key: bytes, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_for(key, partitions) == DefaultPartitioner()(key, every, every)


def test_one_partition_takes_everything() -> None:
    assert {partition_for(b"%d" % n, 1) for n in range(50)} == {0}
