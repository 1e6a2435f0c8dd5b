"""A viewer that was written into a checkpoint is read again with all that is known of it."""

from collections.abc import Sequence

import msgspec
import pytest

from models.dimensions import Slices
from models.events import ImpressionData, PlayStartData
from models.marks import COMPLETION, FIRST_FRAME, IMPRESSION, OTHER, SWIPE, Mark
from models.views import SWIPED, VIEW_FIELDS, Counted, CountedEnd, EndedView, View
from tables.saved_sessions import SessionReader, SessionWriter
from tables.sessions import Session
from tests.support.facts import facts

CLOCK_MS = 1_767_322_800_000
HERE, THERE = Slices(("1080p", "h264")), Slices(("720p", "av1"))
CONTEXT = ("ios", None, "wifi", "cdn-a", "1.2")


def view(number: int, content_id: str, **known: object) -> View:
    """A view of which everything is known that ``known`` says."""
    made = View(
        number,
        "viewer",
        content_id,
        "viewer",
        "device",
        None,
        CLOCK_MS - 9_000,
        f"event-{number}",
        CLOCK_MS - 10,
        HERE,
        CONTEXT,
    )
    for name, value in known.items():
        setattr(made, name, value)
    return made


def session_of(*views: View, marks: Sequence[Mark] = ()) -> Session:
    session = Session("viewer")
    for one in views:
        session.add(one)
    session.marks = dict(enumerate(marks))
    return session


def written(*sessions: Session) -> SessionReader:
    """A reader of what was written of the sessions, encoded and decoded."""
    writer = SessionWriter(CLOCK_MS)
    for session in sessions:
        writer.add(session)
    return SessionReader(CLOCK_MS, list(writer.slices), list(writer.contexts), values_of(writer))


def values_of(writer: SessionWriter) -> list[object]:
    """What was written, decoded."""
    return msgspec.msgpack.decode(b"".join(writer.finish().parts()), type=list[object])


def again(*sessions: Session) -> list[Session]:
    """The sessions after they were written and read."""
    read: dict[str, Session] = {}
    written(*sessions).read_into(read)
    return list(read.values())


EVERYTHING: dict[str, object] = {
    "user_id": "user",
    "impression": True,
    "searched": True,
    "tried": True,
    "acted": True,
    "position": 7,
    "entry_point": "search",
    "feed_id": "for-you",
    "started_at_ms": CLOCK_MS - 8_000,
    "startup_ms": 400,
    "rendition": "1080p",
    "codec": "h264",
    "autoplay": False,
    "watch_ms": 5_000,
    "watch_floor_ms": 4_000,
    "anchor_at_ms": CLOCK_MS + 50,
    "anchor_position_ms": 4_900,
    "stall_since_anchor_ms": 300,
    "duration_ms": 30_000,
    "completed": True,
    "completed_at_ms": CLOCK_MS - 1_000,
    "loop_count": 2,
    "rebuffers": 3,
    "rebuffer_ms": 900,
    "upshifts": 4,
    "downshifts": 5,
    "errors": 6,
    "fatal": True,
    "liked": True,
    "saved": True,
    "shared": True,
    "share_platform": "messages",
    "next_content_id": "next",
    "ended_by": SWIPED,
    "ended_at_ms": CLOCK_MS - 500,
    "ended_clock_ms": CLOCK_MS - 400,
    "play_counted": Counted(CLOCK_MS - 10_000, THERE),
    "completion_counted": Counted(CLOCK_MS, HERE),
    "end_counted": CountedEnd(CLOCK_MS - 20_000, THERE, 37, EndedView(True, False, 1_234)),
}
"""A value for each field that a view does not have from its beginning, and none of them is the
one that it begins with."""


def test_everything_that_can_be_known_of_a_view_is_kept() -> None:
    full, fresh = view(1, "clip", **EVERYTHING), view(2, "other")
    beginning = {name: getattr(fresh, name) for name in VIEW_FIELDS}
    assert all(beginning[name] != value for name, value in EVERYTHING.items())
    assert len(EVERYTHING) + len(_given_at_once()) == len(VIEW_FIELDS)
    session = session_of(full, fresh)
    (read,) = again(session)
    assert facts(read) == facts(session)


def _given_at_once() -> list[str]:
    return [name for name in VIEW_FIELDS if name not in EVERYTHING]


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_each_field_is_kept_whatever_the_others_are(name: str) -> None:
    if name in ("ended_at_ms", "ended_clock_ms", "next_content_id", "end_counted"):
        known = {"ended_by": SWIPED, name: EVERYTHING[name]}
    elif name == "completed_at_ms":
        known = {"completed": True, name: EVERYTHING[name]}
    elif name == "rebuffer_ms":
        known = {"rebuffers": 1, name: EVERYTHING[name]}
    else:
        known = {name: EVERYTHING[name]}
    session = session_of(view(1, "clip", **known))
    (read,) = again(session)
    assert facts(read) == facts(session)


@pytest.mark.parametrize(
    "ended",
    [None, EndedView(False, False, -1), EndedView(True, True, 0), EndedView(False, True, 10_000)],
)
def test_what_an_end_counts_for_its_content_is_kept(ended: EndedView | None) -> None:
    counted = CountedEnd(CLOCK_MS, HERE, 1, ended)
    session = session_of(view(1, "clip", ended_by=SWIPED, end_counted=counted))
    (read,) = again(session)
    assert facts(read) == facts(session)


def test_marks_of_every_kind_are_kept_in_their_order() -> None:
    marks = [
        Mark(OTHER, CLOCK_MS - 9, CLOCK_MS - 8, "a", "e0", 4),
        Mark(IMPRESSION, CLOCK_MS - 7, CLOCK_MS, "a", "e1", 4, impression=ImpressionData(3)),
        Mark(
            IMPRESSION,
            CLOCK_MS - 6,
            CLOCK_MS,
            "b",
            "e2",
            5,
            impression=ImpressionData(0, "share", "f"),
        ),
        Mark(FIRST_FRAME, CLOCK_MS + 5, CLOCK_MS, "b", "e3", 5, first_frame=PlayStartData(120)),
        Mark(
            FIRST_FRAME,
            CLOCK_MS + 6,
            CLOCK_MS,
            "b",
            "e4",
            5,
            first_frame=PlayStartData(120, "720p", "av1", autoplay=True),
        ),
        Mark(COMPLETION, CLOCK_MS + 7, CLOCK_MS, "b", "e5", 5),
        Mark(SWIPE, CLOCK_MS + 8, CLOCK_MS, "b", "e6", 5, next_content_id="c"),
    ]
    session = session_of(view(5, "b"), marks=marks)
    (read,) = again(session)
    assert facts(read) == facts(session)


def test_viewers_keep_their_order_and_share_what_they_shared() -> None:
    first, second = session_of(view(1, "a")), Session("nobody")
    third = Session("another")
    third.add(view(2, "b", viewer="another", slices=THERE))
    second.newest_at_ms, second.active_pane_ms, second.active_slices = 5, CLOCK_MS, THERE
    second.forgotten_at_ms = CLOCK_MS - 40_000
    read = again(first, second, third)
    assert [facts(one) for one in read] == [facts(one) for one in (first, second, third)]
    assert read[0].open["a"].slices is HERE
    assert read[2].open["b"].slices is read[1].active_slices
    assert read[0].open["a"].context is read[2].open["b"].context


def test_viewers_of_more_values_than_are_encoded_at_once_are_read_again() -> None:
    sessions = [session_of(*(view(n, f"{n}") for n in range(first, 200))) for first in range(3)]
    for number, session in enumerate(sessions):
        session.viewer = f"viewer-{number}"
        for one in session.all_views():
            one.viewer = session.viewer
    assert [facts(one) for one in again(*sessions)] == [facts(one) for one in sessions]


def test_a_value_of_another_type_than_was_written_is_an_error() -> None:
    writer = SessionWriter(CLOCK_MS)
    writer.add(session_of(view(1, "a")))
    values = [*values_of(writer)[:-1], "twelve"]
    reader = SessionReader(CLOCK_MS, list(writer.slices), list(writer.contexts), values)
    with pytest.raises(TypeError):
        reader.read_into({})
