"""Content ids and event names."""

import pytest

from models.events import EVENT_TYPES
from models.names import CONTENT_ID, is_custom_name, known_spelling


@pytest.mark.parametrize("content_id", ["a", "A-z_0.9:b", "x" * 128, "-", ":"])
def test_content_id_of_the_alphabet(content_id: str) -> None:
    assert CONTENT_ID.fullmatch(content_id)


@pytest.mark.parametrize("content_id", ["", "x" * 129, "a b", "a/b", "é", "a\n", "a\x00", "a+b"])
def test_content_id_outside_the_alphabet(content_id: str) -> None:
    assert CONTENT_ID.fullmatch(content_id) is None


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_known_name_in_any_case_is_no_custom_name(name: str) -> None:
    for variant in (name, name.upper(), name.lower(), name.swapcase()):
        assert known_spelling(variant) == name
        assert not is_custom_name(variant)


@pytest.mark.parametrize("name", ["a", "ad.skipped", "app:Opened-2_x", "X" * 64, "impressions"])
def test_custom_name(name: str) -> None:
    assert known_spelling(name) is None
    assert is_custom_name(name)


@pytest.mark.parametrize("name", ["", "1st", "_a", "a b", "é", "X" * 65, "a\n"])
def test_what_is_no_name(name: str) -> None:
    assert not is_custom_name(name)
