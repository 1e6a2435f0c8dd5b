"""Says of event ids that they are not held, for many at a time: one look into memory for each."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tables.id_runs import Ids, private_array

IDS_PER_WORD: Final = (4, 6)
"""A filter is made for so many ids per word, and worn with more than the second number: of ids
that are not held it lets through 7 in 1,000 when new and 19 when worn."""
LEAST_WORDS = 1 << 13

_PATTERNS: Final = 1 << 11
_PATTERN_BITS: Final = 4
_WORD_BITS: Final = 64
_CHUNK: Final = 1 << 15
"""So many ids are added at a time: what is made of them on the way stays in the caches."""
_UPPER_HALF: Final = np.uint64(32)
_LOWEST_BITS: Final = np.uint64(_PATTERNS - 1)


class IdFilter:
    """A Bloom filter whose bits of one id are all in one word of 64 bits.

    The upper half of an id chooses the word and the lowest bits one of some patterns, which are
    the bits that are set. Bits are never cleared: what was added is let through for ever, whatever
    else was.
    """

    def __init__(self, ids: int) -> None:
        """A filter for about so many ids, without any."""
        made_for, worn_by = IDS_PER_WORD
        words = max(ids // made_for, LEAST_WORDS)
        self.most_ids = words * worn_by
        """With more ids than these it is worn."""
        self._words = private_array(words, np.dtype(np.uint64))
        self._count = np.uint64(words)
        self._patterns = _patterns()

    @property
    def nbytes(self) -> int:
        """Bytes that the filter takes once it is in use."""
        return self._words.nbytes

    def add(self, ids: Ids) -> None:
        """Let ``ids`` through from now on; they are in ascending order."""
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            places = self._places(chunk)
            # Neighbours share words.
            is_first = np.ones(len(chunk), dtype=np.bool_)
            np.not_equal(places[1:], places[:-1], out=is_first[1:])
            starts = is_first.nonzero()[0]
            self._words[places.take(starts)] |= np.bitwise_or.reduceat(
                self._patterns_of(chunk), starts
            )

    def let_through(self, wanted: Ids) -> Ids:
        """Those of ``wanted``, in their order, that may have been added: all others were not."""
        patterns = self._patterns_of(wanted)
        words = self._words.take(self._places(wanted))
        words &= patterns
        through: Ids = wanted[words == patterns]
        return through

    def _places(self, ids: Ids) -> NDArray[np.int64]:
        """Of each id its word: in proportion, so ids in ascending order have ascending words."""
        places = ids >> _UPPER_HALF
        places *= self._count
        places >>= _UPPER_HALF
        return places.view(np.int64)

    def _patterns_of(self, ids: Ids) -> Ids:
        return self._patterns.take((ids & _LOWEST_BITS).view(np.int64))


def _patterns() -> Ids:
    """Numbers of 64 bits with some bits set, spread evenly."""
    # The first digits of the multiples of the golden ratio, to the base of 64.
    digits = np.arange(_PATTERNS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    patterns = np.zeros(_PATTERNS, dtype=np.uint64)
    for _ in range(_PATTERN_BITS):
        patterns |= np.uint64(1) << (digits >> np.uint64(58))
        digits <<= np.uint64(6)
    return patterns
