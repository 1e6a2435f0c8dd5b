from models.dimensions import DIMENSIONS, Slices, SliceTable
from models.figures import PLAYS, Figures
from tables.counters import Counters
from tables.panes import MAX_VALUES, PaneStore, pane_of

CODEC = DIMENSIONS.index("codec")


def slices_of(table: SliceTable, codec: str) -> Slices:
    values: list[str | None] = [None] * len(DIMENSIONS)
    values[CODEC] = codec
    return table.get(tuple(values))


def store(counters: Counters | None = None) -> PaneStore:
    return PaneStore(60_000, ("codec",), counters or Counters())


def changes(panes: PaneStore) -> dict[int, dict[str, dict[str, Figures]]]:
    return dict(panes.take_changes())


def test_pane_is_ten_seconds() -> None:
    assert (pane_of(0), pane_of(9_999), pane_of(10_000)) == (0, 0, 10_000)


def test_gain_is_spread_over_all_and_each_dimension() -> None:
    panes, table = store(), SliceTable()
    panes.gains(0).of(slices_of(table, "av1")).sums[PLAYS] += 2
    panes.gains(0).of(slices_of(table, "vp9")).sums[PLAYS] += 1
    update = changes(panes)[0]
    assert update["all"][""].sums[PLAYS] == 3
    assert {value: f.sums[PLAYS] for value, f in update["codec"].items()} == {"av1": 2, "vp9": 1}


def test_change_is_cumulative_and_taken_once() -> None:
    panes, table = store(), SliceTable()
    av1 = slices_of(table, "av1")
    panes.gains(0).of(av1).sums[PLAYS] += 2
    changes(panes)
    assert changes(panes) == {}
    panes.gains(0).of(av1).sums[PLAYS] += 1
    assert changes(panes)[0]["codec"]["av1"].sums[PLAYS] == 3


def test_pane_admits_a_thousand_values_and_the_rest_is_other() -> None:
    panes, table = store(), SliceTable()
    for number in range(MAX_VALUES + 7):
        panes.gains(0).of(slices_of(table, f"c{number}")).sums[PLAYS] += 1
    values = changes(panes)[0]["codec"]
    assert len(values) == MAX_VALUES + 1
    assert values["other"].sums[PLAYS] == 7


def test_gain_of_a_pane_that_is_gone_reaches_the_counters_alone() -> None:
    counters = Counters()
    panes, table = store(counters), SliceTable()
    av1 = slices_of(table, "av1")
    panes.gains(0).of(av1).sums[PLAYS] += 1
    assert panes.forget_before(60_000) == [0]
    panes.gains(0).of(av1).sums[PLAYS] += 1
    assert changes(panes) == {}
    assert counters.total(PLAYS) == 2
