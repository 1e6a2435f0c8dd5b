"""Where the views of a content begin and end, from marks in the order of their times."""

import pytest

from models.events import ImpressionData, PlayStartData
from models.marks import COMPLETION, FIRST_FRAME, IMPRESSION, OTHER, SWIPE, TIMEOUT, Mark
from models.views import REPLACED, SWIPED
from tables.marks import End, Stretch, divide

TAIL_MS = 10_000
KINDS = {
    "i": IMPRESSION,
    "f": FIRST_FRAME,
    "c": COMPLETION,
    "s": SWIPE,
    "o": OTHER,
    "t": TIMEOUT,
}


def marks(text: str) -> list[Mark]:
    """Marks from words such as ``fa12``: a first frame of the content a at 12 s."""
    return [
        Mark(
            KINDS[word[0]],
            int(word[2:]) * 1000,
            0,
            word[1],
            word,
            -1,
            ImpressionData(0) if word[0] == "i" else None,
            PlayStartData(400) if word[0] == "f" else None,
            "z" if word[0] == "s" else None,
        )
        for word in text.split()
    ]


def views(text: str, current: Stretch | None = None) -> list[str]:
    """The views of content a: their marks, and a dot where one ended."""
    return [
        " ".join(mark.event_id for mark in stretch.marks) + ("." if stretch.end else "")
        for stretch in divide("a", marks(text), TAIL_MS, current)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("fb1", []),
        ("ia0 fa1 ca9", ["ia0 fa1 ca9"]),
        ("ia0 fa1 sa9", ["ia0 fa1 sa9."]),
        ("ia0 fa1 fb9", ["ia0 fa1."]),
        ("ia0 fa1 ib5 fa6 fb9", ["ia0 fa1 fa6."]),
        ("fa1 fb5 fa9", ["fa1.", "fa9"]),
        ("fa1 sa5 ia5", ["fa1 sa5.", "ia5"]),
        ("fa1 fb5 fc7 sa8 ca9 fa12", ["fa1 sa8 ca9.", "fa12"]),
        ("fa1 fb5 ca14", ["fa1 ca14."]),
        ("fa1 fb5 ca15 ca16", ["fa1.", "ca15 ca16"]),
        ("fa1 fb5 oa15 sa15", ["fa1.", "oa15 sa15."]),
        ("sa1 ca2", ["sa1 ca2."]),
        ("ca1 fa2", ["ca1 fa2"]),
        ("fa1 ta5 ca6 fa7", ["fa1 ca6.", "fa7"]),
        ("fa1 fb3 ta5 fa7", ["fa1.", "fa7"]),
    ],
)
def test_view_is_on_until_the_viewer_leaves(text: str, expected: list[str]) -> None:
    assert views(text) == expected


def test_view_before_the_marks_goes_on() -> None:
    assert views("ca9 fb10 fa11", Stretch()) == ["ca9.", "fa11"]
    ended = Stretch(End(REPLACED, 5000, "b"))
    assert views("ca9 fb10 fa11", ended) == ["ca9.", "fa11"]
    assert ended.end is not None
    assert (ended.end.how, ended.end.at_ms, ended.end.next_content_id) == (REPLACED, 5000, "b")


def test_swipe_tells_more_than_the_next_first_frame() -> None:
    (stretch,) = divide("a", marks("fa1 fb5 sa6"), TAIL_MS, None)
    assert stretch.end is not None
    assert (stretch.end.how, stretch.end.at_ms, stretch.end.next_content_id) == (SWIPED, 5000, "z")
