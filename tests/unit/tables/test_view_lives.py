"""The limits on the views that are kept, through the state of one partition."""

import json

from tables.counters import PARTITION_LIMIT, VIEWER_LIMIT
from tests.support.core import T0, Core, impression, play, progress


def test_viewer_with_too_many_open_views_loses_the_oldest() -> None:
    core = Core(views_per_viewer=10)
    core.send(*(impression(number, f"c{number}") for number in range(25)))
    assert core.states[0].views.open_views == 10
    assert core.counters.cut_short == {VIEWER_LIMIT: 15}
    assert [view["contentId"] for view in core.outputs.views] == [f"c{n}" for n in range(15)]
    assert {view["outcome"] for view in core.outputs.views} == {"never_started"}


def test_viewer_with_too_many_waiting_views_has_the_oldest_published() -> None:
    core = Core(views_per_viewer=10)
    core.send(*(play(number / 100, f"c{number}") for number in range(25)))
    assert core.states[0].views.open_views == 1
    assert core.counters.cut_short == {VIEWER_LIMIT: 15}
    core.settle(T0 + 1000)
    published = [view["contentId"] for view in core.outputs.views]
    assert sorted(published) == sorted(f"c{number}" for number in range(25))
    assert len({view["viewId"] for view in core.outputs.views}) == 25


def test_partition_with_too_many_open_views_ends_the_one_that_was_quiet_for_longest() -> None:
    core = Core(open_views=3)
    core.send(*(play(number, session=f"s{number}") for number in range(3)))
    core.send(progress(5, 4.0, session="s0"))
    core.send(play(6, session="s3"))
    assert core.states[0].views.open_views == 3
    assert core.counters.cut_short == {PARTITION_LIMIT: 1}
    core.tick(T0 + 36_000)
    (view,) = core.outputs.views
    assert (view["sessionId"], view["outcome"]) == ("s1", "timed_out")
    assert view["endedAt"] == "2023-11-14T22:13:26.000Z"


def test_viewer_whose_every_event_is_late_is_held_to_the_limit() -> None:
    core = Core(views_per_viewer=10)
    pairs = [
        (T0 + 100_000 + number, json.dumps(play(90 - number / 10, f"c{number}")).encode())
        for number in range(300)
    ]
    core.feed(pairs)
    (session,) = core.states[0].views._sessions.values()  # noqa: SLF001
    assert session.views <= 11
    assert len(session.marks) <= 40
    core.settle(T0 + 101_000)
    assert len({view["viewId"] for view in core.outputs.views}) == 300


def test_of_a_viewer_who_went_away_only_what_a_straggler_needs_is_remembered() -> None:
    core = Core()
    core.send(*(play(2 * number, f"c{number}") for number in range(30)))
    (session,) = core.states[0].views._sessions.values()  # noqa: SLF001
    assert len(session.marks) >= 15
    core.tick(T0 + 100_000)
    assert len(session.marks) <= 2
