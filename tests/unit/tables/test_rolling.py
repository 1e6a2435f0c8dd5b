"""Merging panes into rolling windows: idempotent, order-free, and equal to summing them all."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from models.figures import PLAYS, REBUFFERS, Figures, new_figures
from models.partials import PanePartial, Partial
from tables.rolling import MAX_EXPORTED_VALUES, RollingDimension

PANE_MS = 10_000
WINDOWS_MS = (60_000, 300_000)
KEPT_MS = 360_000


def figures(plays: int, rebuffers: int = 0) -> Figures:
    result = new_figures()
    result.sums[PLAYS] = plays
    result.sums[REBUFFERS] = rebuffers
    if plays:
        result.startups[7] = plays
    return result


def partial(source: int, upto: int, clock_ms: int, panes: dict[int, dict[str, Figures]]) -> Partial:
    return Partial(
        source, upto, clock_ms, "codec", [PanePartial(start, panes[start]) for start in panes]
    )


def rolling(name: str = "codec") -> RollingDimension:
    return RollingDimension(name, WINDOWS_MS, KEPT_MS)


def test_newest_publication_of_a_partition_replaces_the_older() -> None:
    merged = rolling()
    merged.merge(partial(0, 5, 10_000, {10_000: {"av1": figures(3)}}))
    merged.merge(partial(0, 9, 11_000, {10_000: {"av1": figures(4, 1)}}))
    merged.merge(partial(0, 5, 10_000, {10_000: {"av1": figures(3)}}))
    assert dict(merged.slices(0)) == {"av1": figures(4, 1)}


def test_partitions_add_up_and_the_largest_clock_counts() -> None:
    merged = rolling()
    merged.merge(partial(0, 5, 10_000, {10_000: {"av1": figures(3)}}))
    merged.merge(partial(1, 2, 15_000, {10_000: {"av1": figures(2), "vp9": figures(1)}}))
    assert merged.clock_ms == 15_000
    assert dict(merged.slices(0)) == {"av1": figures(5), "vp9": figures(1)}


def test_window_covers_the_panes_that_start_after_its_edge() -> None:
    merged = rolling()
    merged.merge(partial(0, 1, 10_000, {10_000: {"av1": figures(1)}}))
    merged.merge(partial(0, 2, 69_999, {}))
    assert dict(merged.slices(0)) == {"av1": figures(1)}
    merged.merge(partial(0, 3, 70_000, {}))
    assert dict(merged.slices(0)) == {}
    assert dict(merged.slices(1)) == {"av1": figures(1)}


def test_late_change_reaches_only_the_windows_that_still_cover_its_pane() -> None:
    merged = rolling()
    merged.merge(partial(0, 1, 100_000, {100_000: {"av1": figures(1)}}))
    merged.merge(partial(0, 2, 101_000, {10_000: {"av1": figures(5)}}))
    assert dict(merged.slices(0)) == {"av1": figures(1)}
    assert dict(merged.slices(1)) == {"av1": figures(6)}


def test_heaviest_values_keep_their_names_and_the_rest_is_other() -> None:
    merged = rolling()
    values = {f"c{number:05}": figures(number + 1) for number in range(10_000)}
    merged.merge(partial(0, 1, 10_000, {10_000: values}))
    slices = dict(merged.slices(0))
    assert len(slices) == MAX_EXPORTED_VALUES + 1
    assert slices["c09999"] == figures(10_000)
    named = {f"c{number:05}" for number in range(10_000 - MAX_EXPORTED_VALUES, 10_000)}
    assert slices.keys() == named | {"other"}
    rest = sum(range(1, 10_000 - MAX_EXPORTED_VALUES + 1))
    assert slices["other"].sums[PLAYS] == rest


def test_missing_value_is_unknown_however_light_it_is() -> None:
    merged = rolling()
    values = {f"c{number:05}": figures(number + 2) for number in range(100)}
    merged.merge(partial(0, 1, 10_000, {10_000: values | {"unknown": figures(1)}}))
    slices = dict(merged.slices(0))
    assert slices["unknown"] == figures(1)
    assert len(slices) == MAX_EXPORTED_VALUES + 2


def test_what_a_partition_left_out_takes_no_place_from_a_value() -> None:
    merged = rolling()
    values = {f"c{number:05}": figures(number + 1) for number in range(60)}
    merged.merge(partial(0, 1, 10_000, {10_000: values | {"other": figures(9_000)}}))
    slices = dict(merged.slices(0))
    assert len(slices) == MAX_EXPORTED_VALUES + 1
    assert slices["other"].sums[PLAYS] == 9_000 + sum(range(1, 11))


def test_all_is_exported_even_where_nothing_happened() -> None:
    merged = rolling("all")
    assert dict(merged.slices(0)) == {"": new_figures()}


@st.composite
def publications(draw: st.DrawFn) -> list[Partial]:
    """What three partitions publish of panes that grow while the clock moves on."""
    result = []
    for source in range(3):
        clock_ms = 0
        panes: dict[tuple[int, str], Figures] = {}
        for upto in range(draw(st.integers(1, 8))):
            clock_ms += draw(st.integers(0, 90_000))
            start = (clock_ms - draw(st.integers(0, 120_000))) // PANE_MS * PANE_MS
            value = draw(st.sampled_from(["av1", "vp9"]))
            grown = panes.get((start, value), figures(0)).copy()
            grown.add(figures(draw(st.integers(1, 3)), draw(st.integers(0, 2))))
            panes[start, value] = grown
            result.append(partial(source, upto, clock_ms, {start: {value: grown.copy()}}))
    return result


@settings(max_examples=200)
@given(publications(), st.randoms(use_true_random=False))
def test_any_order_of_repeated_publications_gives_the_sum_over_the_window(
    published: list[Partial], order: random.Random
) -> None:
    merged = rolling()
    # Each partition's publications keep their order, as on the topic; repeats come in anywhere.
    queues = [[p for p in published if p.partition == source] for source in range(3)]
    done: list[Partial] = []
    while any(queues):
        queue = order.choice([queue for queue in queues if queue])
        done.append(queue.pop(0))
        merged.merge(done[-1])
        if order.random() < 0.5:
            merged.merge(order.choice(done))
    clock_ms = max(p.clock_ms for p in published)
    newest: dict[tuple[int, int, str], Figures] = {}
    for publication in published:
        for pane in publication.panes:
            for value, amount in pane.values.items():
                newest[publication.partition, pane.start_ms, value] = amount
    for index, window_ms in enumerate(WINDOWS_MS):
        expected: dict[str, Figures] = {}
        for (_, start, value), amount in newest.items():
            if clock_ms - window_ms < start:
                expected.setdefault(value, new_figures()).add(amount)
        assert dict(merged.slices(index)) == expected
