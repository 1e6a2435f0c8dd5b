"""The values of the breakdown dimensions."""

from models.dimensions import DIMENSIONS, SliceTable, normalise_values


def test_dimensions_are_those_of_the_contract() -> None:
    assert DIMENSIONS == (
        "rendition",
        "codec",
        "entryPoint",
        "platform",
        "country",
        "networkType",
        "cdn",
        "appVersion",
    )


def test_missing_values_are_unknown_and_long_ones_cut() -> None:
    assert normalise_values([None, "", "720p", "x" * 65]) == (
        "unknown",
        "unknown",
        "720p",
        "x" * 64,
    )


def test_same_values_share_their_slices() -> None:
    table = SliceTable()
    values = ("720p", None, "feed", None, "NO", None, None, "1.2")
    slices = table.get(values)
    assert slices.values == (
        "720p", "unknown", "feed", "unknown", "NO", "unknown", "unknown", "1.2",
    )  # fmt: skip
    assert table.get(tuple(values)) is slices
    assert table.get((*values[:-1], "1.3")) is not slices
    assert table.of(values[0], values[1], values[2], values[3:]) is slices
    assert table.of(values[0], values[1], None, values[3:]) is not slices


def test_view_with_another_name_has_the_slices_of_all_its_names() -> None:
    table = SliceTable()
    context = ("web", "NO", None, None, "1.2")
    slices = table.of(None, None, None, context)
    for names in [("720p", "av1", None), ("720p", None, "feed"), (None, None, None)]:
        slices = table.renamed(slices, *names, context)
        assert slices is table.of(*names, context)
    for number in range(50_001):
        renamed = table.renamed(slices, str(number), None, None, context)
        assert renamed.values == (str(number), *slices.values[1:])


def test_table_that_is_full_starts_over_with_the_same_values() -> None:
    table = SliceTable()
    first = table.get(("0",))
    for number in range(50_001):
        assert table.get((str(number),)).values == (str(number),)
    again = table.get(("0",))
    assert again is not first
    assert again.values == first.values


def test_table_that_is_full_of_views_starts_over_with_the_same_values() -> None:
    table = SliceTable()
    for number in range(50_001):
        assert table.of(str(number), None, None, ("NO",)).values[0] == str(number)
    assert table.of("0", None, None, ("NO",)).values == ("0", "unknown", "unknown", "NO")
