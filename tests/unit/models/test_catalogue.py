"""The contents that exist, and those that did."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import REMOVAL_GRACE_MS, Catalogue

MAX_BYTES_PER_CONTENT = 110
"""About 100, docs/operations/capacity.md says, for ids of eleven characters."""


def test_content_is_known_once_it_was_put_whenever_the_event_came_in() -> None:
    catalogue = Catalogue(10)
    assert not catalogue.knows("a", 0)
    catalogue.put("a")
    assert catalogue.knows("a", 0)
    assert catalogue.knows("a", 1_000)
    assert not catalogue.knows("A", 1_000)
    assert len(catalogue) == 1


def test_removed_content_stays_known_to_events_from_before_and_for_a_minute() -> None:
    catalogue = Catalogue(10)
    catalogue.put("a")
    catalogue.remove("a", 1_000)
    assert catalogue.knows("a", 0)
    assert catalogue.knows("a", 60_999)
    assert not catalogue.knows("a", 61_000)
    assert len(catalogue) == 0


@given(
    entries=st.lists(st.tuples(st.booleans(), st.integers(0, 500_000)), max_size=8),
    event_ms=st.integers(0, 600_000),
    behind_ms=st.integers(0, REMOVAL_GRACE_MS - 1),
)
def test_what_was_accepted_while_the_news_was_under_way_is_accepted_with_the_news(
    entries: list[tuple[bool, int]], event_ms: int, behind_ms: int
) -> None:
    entries = [(True, 0), *sorted(entries, key=lambda entry: entry[1])]
    first, again = Catalogue(10), Catalogue(10)
    for catalogue, read_ms in ((first, event_ms - behind_ms), (again, 600_000)):
        for exists, at_ms in entries:
            if at_ms <= read_ms or at_ms == 0:
                if exists:
                    catalogue.put("a")
                else:
                    catalogue.remove("a", at_ms)
    assert again.knows("a", event_ms) or not first.knows("a", event_ms)


def test_content_that_comes_back_is_known_again() -> None:
    catalogue = Catalogue(10)
    catalogue.remove("a", 1_000)
    catalogue.put("a")
    assert catalogue.knows("a", 70_000)
    catalogue.remove("a", 80_000)
    assert catalogue.knows("a", 139_999)
    assert not catalogue.knows("a", 140_000)


def test_removed_contents_are_bounded_and_the_latest_stay() -> None:
    catalogue = Catalogue(2)
    for number, content_id in enumerate("abc"):
        catalogue.remove(content_id, 1_000 + number)
    assert [catalogue.knows(content_id, 1) for content_id in "abc"] == [False, True, True]
    catalogue.remove("b", 2_000)
    catalogue.remove("d", 2_001)
    assert [catalogue.knows(content_id, 1) for content_id in "bcd"] == [True, False, True]


def test_limit_is_on_contents_that_exist() -> None:
    catalogue = Catalogue(2)
    for content_id in "ab":
        catalogue.put(content_id)
    assert not catalogue.is_over_limit
    catalogue.put("c")
    assert catalogue.is_over_limit


def test_removal_makes_room() -> None:
    catalogue = Catalogue(1)
    for content_id in "ab":
        catalogue.put(content_id)
    catalogue.remove("a", 1)
    assert not catalogue.is_over_limit


def test_memory_of_a_content_is_what_the_document_says() -> None:
    contents = 100_000
    tracemalloc.start()
    try:
        catalogue = Catalogue(contents)
        for number in range(contents):
            catalogue.put(f"content{number:04d}")
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / contents < MAX_BYTES_PER_CONTENT
