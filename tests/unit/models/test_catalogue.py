"""The contents that exist, and those that did."""

import tracemalloc

from models.catalogue import Catalogue

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


def test_removed_content_stays_known_to_events_from_before() -> None:
    catalogue = Catalogue(10)
    catalogue.put("a")
    catalogue.remove("a", 1_000)
    assert catalogue.knows("a", 999)
    assert not catalogue.knows("a", 1_000)
    assert len(catalogue) == 0


def test_content_that_comes_back_is_known_again() -> None:
    catalogue = Catalogue(10)
    catalogue.remove("a", 1_000)
    catalogue.put("a")
    assert catalogue.knows("a", 2_000)
    catalogue.remove("a", 3_000)
    assert catalogue.knows("a", 2_999)
    assert not catalogue.knows("a", 3_000)


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
