from bench.crowd import START_MS, CrowdRecord
from bench.load import Load
from bench.partition import BenchPartition, KeptOutputs, partition_of


class Places(KeptOutputs):
    """Remembers where accepted events go."""

    def __init__(self) -> None:
        super().__init__()
        self.partitions = set[object]()

    def accepted(self, *args: object) -> None:
        self.partitions.add(args[0])


def test_a_partition_keeps_the_events_of_its_own_keys() -> None:
    outputs = Places()
    partition = BenchPartition(outputs, 7)
    records = [
        (key, value, at_ms)
        for chunk in Load(20_000, 60.0, START_MS + 60_000, 1).chunks()
        for key, value, at_ms in chunk
        if partition_of(key) == partition.number
    ]
    partition.take_in(
        [CrowdRecord(n, at_ms, key, value) for n, (key, value, at_ms) in enumerate(records)]
    )
    assert len(records) > 500
    assert outputs.partitions == {7}
