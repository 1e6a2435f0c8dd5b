"""What an event costs at each stage of intake while the state grows: no broker, nothing is written.

The partitions of one worker take in a load at its own pace of server time, with publications each
second and checkpoints every ten, as a worker that keeps up. CPU time is of the process.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.crowd import START_MS, CrowdRecord
from bench.load import Load
from bench.partition import FOLD_RECORDS, PARTITIONS, BenchPartition, partition_of

CHECKPOINT_MS = 10_000
PARTS = 8
"""Into so many parts of the load the answer is divided."""


@dataclass(frozen=True, slots=True)
class Stages:
    """One part of the load. Times are CPU microseconds per event of it."""

    events: int
    """Taken in by its end, from the beginning of the load."""
    viewers: int
    """Remembered at its end."""
    apply_us: float
    publish_us: float
    checkpoint_us: float
    longest_checkpoint_ms: float
    """CPU time of the longest step of a checkpoint, between which events are taken in."""
    checkpoint_bytes: float
    """Written by checkpoints, per event."""

    @property
    def total_us(self) -> float:
        """Of all stages."""
        return self.apply_us + self.publish_us + self.checkpoint_us


@dataclass
class _Spent:
    apply_seconds: float = 0.0
    publish_seconds: float = 0.0
    checkpoint_seconds: float = 0.0
    longest_seconds: float = 0.0
    bytes: int = 0
    events: int = 0


def measure_stages(events: int, seconds: float, seed: int) -> Iterator[Stages]:
    """Take in ``events`` generated events of so many seconds of server time, part by part."""
    partitions = [BenchPartition(number=number) for number in range(PARTITIONS)]
    share_ms = CHECKPOINT_MS // PARTITIONS
    next_cut_ms = [START_MS + share_ms * (number + 1) for number in range(PARTITIONS)]
    spent = _Spent()
    done = 0
    for number, fold in _folds(events, seconds, seed):
        partition = partitions[number]
        took = partition.take_in(fold)
        partition.outputs.forget()
        spent.apply_seconds += took.apply_seconds
        spent.publish_seconds += took.publish_seconds
        spent.events += len(fold)
        if fold[-1].timestamp >= next_cut_ms[number]:
            next_cut_ms[number] += CHECKPOINT_MS
            checkpointed = partition.checkpoint()
            spent.checkpoint_seconds += checkpointed.seconds
            spent.longest_seconds = max(spent.longest_seconds, checkpointed.longest_seconds)
            spent.bytes += checkpointed.bytes
        if done + spent.events >= events or spent.events >= events // PARTS:
            done += spent.events
            yield _stages(spent, done, partitions)
            spent = _Spent()


def _folds(events: int, seconds: float, seed: int) -> Iterator[tuple[int, list[CrowdRecord]]]:
    """The load by partition, in folds; the last ones are shorter."""
    waiting: list[list[CrowdRecord]] = [[] for _ in range(PARTITIONS)]
    offsets = [0] * PARTITIONS
    end_ms = START_MS + round(seconds * 1000)
    for chunk in Load(events, seconds, end_ms, seed).chunks():
        for key, value, at_ms in chunk:
            number = partition_of(key)
            waiting[number].append(CrowdRecord(offsets[number], at_ms, key, value))
            offsets[number] += 1
            if len(waiting[number]) == FOLD_RECORDS:
                fold, waiting[number] = waiting[number], []
                yield number, fold
    yield from ((number, fold) for number, fold in enumerate(waiting) if fold)


def _stages(spent: _Spent, done: int, partitions: list[BenchPartition]) -> Stages:
    us = 1e6 / spent.events
    return Stages(
        events=done,
        viewers=sum(partition.owned.state.views.viewers for partition in partitions),
        apply_us=round(spent.apply_seconds * us, 2),
        publish_us=round(spent.publish_seconds * us, 2),
        checkpoint_us=round(spent.checkpoint_seconds * us, 2),
        longest_checkpoint_ms=round(spent.longest_seconds * 1000, 1),
        checkpoint_bytes=round(spent.bytes / spent.events, 1),
    )
