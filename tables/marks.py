"""What decides where the views of a content begin and end: the marks of a session, and the rule.

A view is on from what opens it until the viewer leaves: by a swipe away, or by the first frame of
another content. In the order of event time the rule is a small state machine. Events that come in
late are put in their place among the marks of the last half minute, and the rule is applied to
what follows them once more.
"""

from collections.abc import Iterable
from typing import cast

from mypy_extensions import mypyc_attr

from models.checked_events import CheckedEvent
from models.events import ImpressionData, PlayStartData, SwipeData
from models.marks import (
    FIRST_FRAME,
    IMPRESSION,
    OTHER,
    SWIPE,
    TIMEOUT,
    Mark,
)
from models.views import REPLACED, SWIPED, TIMED_OUT


@mypyc_attr(acyclic=True)
class End:
    """How a view ended, when (event time), and the content that followed."""

    __slots__ = ("at_ms", "how", "next_content_id")

    def __init__(self, how: str, at_ms: int, next_content_id: str | None) -> None:
        self.how = how
        self.at_ms = at_ms
        self.next_content_id = next_content_id


class Stretch:
    """The marks of one view, in order, and its end; None while it is open."""

    __slots__ = ("end", "marks")

    def __init__(self, end: End | None = None) -> None:
        self.marks: list[Mark] = []
        self.end = end

    def first(self, kind: int) -> Mark | None:
        """The first mark of a kind."""
        return next((mark for mark in self.marks if mark.kind == kind), None)


def mark_kind(event_kind: int) -> int:
    """The kind of mark that an event of this kind leaves; :data:`OTHER` of one that leaves none by
    itself."""
    return event_kind if event_kind < TIMEOUT else OTHER


def opens_anew(kind: int) -> bool:
    """Whether this begins the next view of a content that was left, even right after."""
    return kind == IMPRESSION or kind == FIRST_FRAME


def new_mark(
    event: CheckedEvent, event_id: str, content_id: str, at_ms: int, arrived_ms: int, view: int
) -> Mark:
    """The mark of an event."""
    kind = mark_kind(event.kind)
    impression: ImpressionData | None = None
    first_frame: PlayStartData | None = None
    next_content_id: str | None = None
    if kind == FIRST_FRAME:
        first_frame = cast(PlayStartData, event.data)
    elif kind == IMPRESSION:
        impression = cast(ImpressionData, event.data)
    elif kind == SWIPE:
        next_content_id = cast(SwipeData, event.data).to_content_id
    return Mark(
        kind,
        at_ms,
        arrived_ms,
        content_id,
        event_id,
        view,
        impression,
        first_frame,
        next_content_id,
    )


def divide(
    content_id: str, marks: Iterable[Mark], tail_ms: int, current: Stretch | None
) -> list[Stretch]:
    """The views of ``content_id`` that the marks of a session, in order, make.

    Args:
        marks: of all contents; of the others only first frames matter.
        tail_ms: for how long a view that was left takes what is neither an impression nor a first
            frame.
        current: the view of the content that comes before the marks, open or ended; it is the
            first of the answer, and goes on.
    """
    stretches = [] if current is None else [current]
    for mark in marks:
        if mark.content_id != content_id:
            if mark.kind == FIRST_FRAME and current is not None and current.end is None:
                current.end = End(REPLACED, mark.at_ms, mark.content_id)
            continue
        if mark.kind == TIMEOUT:
            if current is not None and current.end is None:
                current.end = End(TIMED_OUT, mark.at_ms, None)
            continue
        if current is None or _is_over(current.end, mark, tail_ms):
            current = Stretch()
            stretches.append(current)
        current.marks.append(mark)
        if mark.kind == SWIPE:
            if current.end is None:
                current.end = End(SWIPED, mark.at_ms, mark.next_content_id)
            elif current.end.how == REPLACED:
                current.end = End(SWIPED, current.end.at_ms, mark.next_content_id)
    return stretches


def _is_over(end: End | None, mark: Mark, tail_ms: int) -> bool:
    return end is not None and (opens_anew(mark.kind) or mark.at_ms >= end.at_ms + tail_ms)
