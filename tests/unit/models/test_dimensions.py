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


def test_table_that_is_full_starts_over_with_the_same_values() -> None:
    table = SliceTable()
    first = table.get(("0",))
    for number in range(50_001):
        assert table.get((str(number),)).values == (str(number),)
    again = table.get(("0",))
    assert again is not first
    assert again.values == first.values
