"""Events about contents that are not in the catalogue."""

import pytest

from models.catalogue import REMOVAL_GRACE_MS, Catalogue
from models.explanation import explain
from models.validation import read_event
from models.verdicts import (
    INVALID_CONTENT_ID,
    MISSING_FIELD,
    OUT_OF_RANGE,
    UNKNOWN_CONTENT,
    CheckedEvent,
    Refusal,
)
from tests.unit.models.samples import MINIMAL, NOW_MS, encode, minimal, with_data


@pytest.fixture
def catalogue() -> Catalogue:
    """It has the contents of the samples, and ``gone`` was removed a minute ago."""
    found = Catalogue(100)
    for content_id in ("clip-1", "clip-2"):
        found.put(content_id)
    found.remove("gone", NOW_MS - REMOVAL_GRACE_MS)
    return found


def faults(raw: bytes, catalogue: Catalogue | None, now_ms: int = NOW_MS) -> list[tuple[str, str]]:
    """The faults as (reason, field), which the slow path alone must find alike."""
    checked = read_event(raw, now_ms, None, catalogue)
    explained = explain(raw, now_ms, None, catalogue)
    if isinstance(checked, CheckedEvent):
        assert isinstance(explained, CheckedEvent)
        return []
    assert checked == explained
    return [(fault.reason, fault.field) for fault in checked.faults]


@pytest.mark.parametrize("name", MINIMAL)
def test_known_content_is_taken_and_another_refused(name: str, catalogue: Catalogue) -> None:
    assert faults(encode(minimal(name)), catalogue) == []
    other = encode(minimal(name, contentId="clip-9"))
    assert faults(other, catalogue) == [(UNKNOWN_CONTENT, "contentId")]
    assert faults(other, None) == []


@pytest.mark.parametrize("field", ["fromContentId", "toContentId"])
def test_both_contents_of_a_swipe_must_be_known(field: str, catalogue: Catalogue) -> None:
    raw = encode(with_data("swipe", **{field: "clip-9"}))
    assert faults(raw, catalogue) == [(UNKNOWN_CONTENT, f"data.{field}")]


def test_swipe_that_names_no_content_of_its_own_is_judged_by_its_data(catalogue: Catalogue) -> None:
    fields = minimal("swipe")
    del fields["contentId"]
    assert faults(encode(fields), catalogue) == []


def test_event_in_another_spelling_is_judged_alike(catalogue: Catalogue) -> None:
    fields = {"event": "playStart", "contentId": "clip-9", "startupTime": 412}
    assert faults(encode(fields), catalogue) == [(UNKNOWN_CONTENT, "contentId")]
    assert faults(encode({**fields, "contentId": "clip-1"}), catalogue) == []


@pytest.mark.parametrize("name", MINIMAL)
def test_event_from_before_the_removal_holds_stays_good(name: str, catalogue: Catalogue) -> None:
    raw = encode(minimal(name, contentId="gone"))
    assert faults(raw, catalogue) == [(UNKNOWN_CONTENT, "contentId")]
    assert faults(raw, catalogue, NOW_MS - 1) == []


def test_it_decides_with_the_form_of_the_id_before_ranges_and_after_what_is_missing(
    catalogue: Catalogue,
) -> None:
    raw = encode(minimal("playStart", contentId="clip-9", data={"startupTime": -1}))
    assert faults(raw, catalogue) == [
        (UNKNOWN_CONTENT, "contentId"),
        (OUT_OF_RANGE, "data.startupTime"),
    ]
    raw = encode(minimal("playStart", contentId="clip-9", data={}))
    assert faults(raw, catalogue) == [
        (MISSING_FIELD, "data.startupTime"),
        (UNKNOWN_CONTENT, "contentId"),
    ]
    raw = encode(minimal("playStart", contentId="clip 9"))
    assert faults(raw, catalogue) == [(INVALID_CONTENT_ID, "contentId")]


def test_message_says_which_id_and_what_to_do(catalogue: Catalogue) -> None:
    checked = read_event(encode(minimal("like", contentId="clip-9")), NOW_MS, catalogue=catalogue)
    assert isinstance(checked, Refusal)
    assert checked.faults[0].message == (
        "contentId: 'clip-9' is not in the content catalogue; publish a content before it is played"
    )
