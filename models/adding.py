"""Adding integers that stand in lists and by bucket: what all merging of figures comes down to."""


def add_sums(sums: list[int], more: list[int], sign: int) -> None:
    """Add ``more`` to ``sums``, place by place, or take it out (``sign`` -1)."""
    for i, amount in enumerate(more):
        if amount:
            sums[i] += sign * amount


def add_counts(counts: dict[int, int], more: dict[int, int], sign: int) -> None:
    """Add bucket counts to ``counts``, or take them out (``sign`` -1)."""
    for bucket, count in more.items():
        add_count(counts, bucket, sign * count)


def add_count(counts: dict[int, int], bucket: int, count: int) -> None:
    """Add to one bucket, dropping it where it becomes empty."""
    total = counts.get(bucket, 0) + count
    if total:
        counts[bucket] = total
    else:
        counts.pop(bucket, None)


def sums_since(sums: list[int], before: list[int]) -> list[int]:
    """What has to be added to ``before``, place by place, to get ``sums``."""
    return [amount - before[place] for place, amount in enumerate(sums)]


def counts_since(counts: dict[int, int], before: dict[int, int]) -> dict[int, int]:
    """The buckets that changed, and what has to be added to ``before`` to get ``counts``."""
    changes: dict[int, int] = {}
    for bucket, count in counts.items():
        change = count - before.get(bucket, 0)
        if change:
            changes[bucket] = change
    for bucket, count in before.items():
        if bucket not in counts:
            changes[bucket] = -count
    return changes
