"""What a process knows of its partitions after it was stopped for a while."""

from app.pulse import Pulse


class Group:
    """A group with sessions of 30 s, and a member that beats."""

    def __init__(self) -> None:
        self.now = 0.0
        self.generation = 7
        self.is_assigned = True
        self.pulse = Pulse(
            30.0, lambda: self.generation, lambda: self.is_assigned, lambda: self.now
        )

    def beat_until(self, end: int) -> None:
        for second in range(round(self.now) + 1, end + 1):
            self.now = float(second)
            self.pulse.beat()


def test_process_that_beats_is_current() -> None:
    group = Group()
    group.beat_until(5)
    group.now = 20.0
    assert group.pulse.is_current()


def test_process_that_lost_its_session_shows_nothing_until_it_is_assigned_anew() -> None:
    group = Group()
    group.beat_until(5)
    group.now = 30.0
    assert not group.pulse.is_current()
    group.is_assigned = False
    group.beat_until(200)
    assert not group.pulse.is_current()
    group.generation, group.is_assigned = 9, True
    assert group.pulse.is_current()


def test_stall_that_the_group_did_not_mind_is_over_after_half_a_session() -> None:
    group = Group()
    group.now = 25.0
    group.beat_until(41)
    assert not group.pulse.is_current()
    group.beat_until(42)
    assert group.pulse.is_current()
