"""A reader of the ``contents`` topic: what contents gained, each publication counted once."""

from collections.abc import Iterable

from models.adding import add_counts
from models.content_figures import SUMS
from models.content_partials import decode_content_partial

Gained = dict[tuple[int, str], tuple[list[int], dict[int, int]]]
"""By minute and content the sums, and measured views by per cent watched."""


def gained(publications: Iterable[tuple[int, bytes]]) -> Gained:
    """Everything that was gained, from pairs of the topic's partition and a value.

    What adds up to nothing is left out.
    """
    seen: dict[tuple[int, int], int] = {}
    total: Gained = {}
    for to, value in publications:
        partial = decode_content_partial(value)
        if partial.offset <= seen.get((to, partial.partition), -1):
            continue
        seen[to, partial.partition] = partial.offset
        for minute in partial.minutes:
            for content_id, figures in minute.contents.items():
                sums, watched = total.setdefault((minute.start_ms, content_id), ([0] * SUMS, {}))
                sums[:] = map(sum, zip(sums, figures.sums, strict=True))
                add_counts(watched, figures.watched, 1)
    return {key: found for key, found in total.items() if any(found[0]) or found[1]}


def sum_of(found: Gained, figure: int) -> int:
    """One figure over all contents and minutes."""
    return sum(sums[figure] for sums, _ in found.values())
