"""Playing time of a view, from the positions and the totals that its player reports."""

from typing import Final

from models.views import NEVER, View

LOOP_SLACK_MS: Final = 2_000


def milliseconds(seconds: float) -> int:
    """The nearest whole number of milliseconds to a duration, and the even one of two: what
    ``round`` answers."""
    exact_ms = seconds * 1000
    whole_ms = int(exact_ms)
    rest_ms = exact_ms - whole_ms
    if rest_ms > 0.5 or (rest_ms == 0.5 and whole_ms % 2 == 1):
        whole_ms += 1
    return whole_ms


def advance(view: View, position_ms: int, at_ms: int) -> int:
    """Move the view's position on; the playing time (ms) since the last one.

    An advance is min(position gain, elapsed event time - stall), so a seek forward counts no more
    than the time it took, and a pause counts nothing. Going back counts as a loop where playing
    on past the end fits the time that passed, and as a seek, which counts nothing, otherwise. A
    report older than the last one adds nothing: its playing time lies inside a later advance.
    """
    if view.anchor_at_ms == NEVER:
        view.anchor_at_ms = at_ms
        view.anchor_position_ms = position_ms
        return 0
    if at_ms <= view.anchor_at_ms:
        return 0
    elapsed_ms = max(0, at_ms - view.anchor_at_ms - view.stall_since_anchor_ms)
    gain_ms = position_ms - view.anchor_position_ms
    if gain_ms < 0:
        around_ms = view.duration_ms + gain_ms
        gain_ms = around_ms if 0 < around_ms <= elapsed_ms + LOOP_SLACK_MS else 0
    view.anchor_at_ms = at_ms
    view.anchor_position_ms = position_ms
    view.stall_since_anchor_ms = 0
    played_ms = min(gain_ms, elapsed_ms)
    view.watch_ms += played_ms
    return played_ms


def start(view: View, at_ms: int) -> None:
    """The first frame: positions are measured from here."""
    if view.anchor_at_ms == NEVER:
        view.anchor_at_ms = at_ms
        view.anchor_position_ms = 0


def stall(view: View, stall_ms: int, at_ms: int) -> None:
    """A stall inside the stretch that the next advance measures is no playing time."""
    if view.anchor_at_ms != NEVER and at_ms > view.anchor_at_ms:
        view.stall_since_anchor_ms += stall_ms


def correct(view: View, watch_ms: int, at_ms: int) -> int:
    """Set the view's playing time to what the player measured; the correction in ms.

    ``watch_ms`` is the total of the view so far. A later, smaller total takes nothing back, and
    neither does one that arrives after playing time of a later moment was counted. Advances are
    measured from here on: what is reported late of the time before lies inside the total.
    """
    target_ms = max(watch_ms, view.watch_floor_ms)
    correction_ms = target_ms - view.watch_ms
    if correction_ms < 0 and at_ms < view.anchor_at_ms:
        return 0
    view.watch_ms = view.watch_floor_ms = target_ms
    if at_ms > view.anchor_at_ms:
        view.anchor_at_ms = at_ms
        view.stall_since_anchor_ms = 0
    return correction_ms


def reach_end(view: View, at_ms: int, looped: bool) -> None:
    """The content was played to its end: what follows starts there, or over again."""
    if at_ms >= view.anchor_at_ms:
        view.anchor_at_ms = at_ms
        view.anchor_position_ms = 0 if looped else view.duration_ms
        view.stall_since_anchor_ms = 0
