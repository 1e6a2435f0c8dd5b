"""A log-bucket histogram of durations with a bounded relative error.

The scheme of DDSketch (Masson, Rim and Lee, VLDB 2019): bucket *i* holds the values in
(g^(i-1), g^i] with g = (1 + e) / (1 - e), and answers 2g^i / (g + 1), which is within the
relative error e of every value in it. Counts are integers, so merging is exact, associative and
commutative.
"""

import math
from collections.abc import Mapping
from typing import Final

from models.events import MAX_STARTUP_MS

RELATIVE_ERROR = 0.01
ZERO_BUCKET: Final = -1

_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_BUCKETS_PER_E: Final = 1 / math.log(_GAMMA)


def _upper_bounds() -> list[float]:
    bounds = [1.0]
    while bounds[-1] < MAX_STARTUP_MS:
        bounds.append(bounds[-1] * _GAMMA)
    return bounds


_BOUNDS: Final = _upper_bounds()
_WHOLE_BOUNDS: Final = [int(bound) for bound in _BOUNDS]
"""The largest duration in whole milliseconds in each bucket: comparing integers takes less time."""
BUCKETS: Final = len(_BOUNDS)


def bucket_of(value_ms: int) -> int:
    """The bucket of a duration of 0 ms or more; 0 has a bucket of its own."""
    if value_ms <= 0:
        return ZERO_BUCKET
    if value_ms >= MAX_STARTUP_MS:
        return BUCKETS - 1
    # The logarithm is rounded, and says nearly which; the bounds decide.
    bucket = int(math.log(float(value_ms)) * _BUCKETS_PER_E)
    while _WHOLE_BOUNDS[bucket] < value_ms:
        bucket += 1
    while bucket > 0 and _WHOLE_BOUNDS[bucket - 1] >= value_ms:
        bucket -= 1
    return bucket


def bucket_value_ms(bucket: int) -> float:
    """The value a bucket answers with, in milliseconds."""
    return 0.0 if bucket == ZERO_BUCKET else 2 * _BOUNDS[bucket] / (_GAMMA + 1)


def quantiles_ms(counts: Mapping[int, int], per_mille: tuple[int, ...]) -> tuple[float, ...] | None:
    """The inverted-CDF quantiles in milliseconds, or None of an empty histogram.

    Quantile q is the smallest value with at least ceil(q * n) values at or below it.
    ``per_mille`` are the quantiles in thousandths (integers: no rank is off by rounding), rising.
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    found: list[float] = []
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        while len(found) < len(per_mille) and seen * 1000 >= per_mille[len(found)] * total:
            found.append(bucket_value_ms(bucket))
    return tuple(found)
