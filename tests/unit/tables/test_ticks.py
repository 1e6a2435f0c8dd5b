from tables.ticks import TickSchedule

WALL = 1_800_000_000_000


def test_partition_without_a_record_gets_no_tick() -> None:
    assert TickSchedule(5000).due(WALL, -1) is None


def test_idle_partition_gets_a_tick_on_a_multiple_of_the_interval() -> None:
    ticks = TickSchedule(5000)
    ticks.saw(WALL, 1_000_003_210, only_ticks=False)
    assert ticks.due(WALL + 4999, 1_000_003_210) is None
    assert ticks.due(WALL + 5000, 1_000_003_210) == 1_000_005_000


def test_tick_is_written_once() -> None:
    ticks = TickSchedule(5000)
    ticks.saw(WALL, 1_000_000_000, only_ticks=False)
    assert ticks.due(WALL + 5000, 1_000_000_000) == 1_000_005_000
    assert ticks.due(WALL + 6000, 1_000_000_000) is None
    assert ticks.due(WALL + 10_000, 1_000_000_000) == 1_000_010_000


def test_clock_goes_on_at_wall_speed_through_many_ticks() -> None:
    ticks = TickSchedule(5000)
    clock = 1_000_000_000
    ticks.saw(WALL, clock, only_ticks=False)
    wall = WALL
    for _ in range(100):
        wall += 1000
        due = ticks.due(wall, clock)
        if due is not None:
            clock = due
            wall += 137
            ticks.saw(wall, clock, only_ticks=True)
    assert 0 <= wall - WALL - (clock - 1_000_000_000) < 12_000


def test_event_starts_the_pace_again() -> None:
    ticks = TickSchedule(5000)
    ticks.saw(WALL, 1_000_000_000, only_ticks=False)
    ticks.saw(WALL + 3000, 1_600_000_000, only_ticks=False)
    assert ticks.due(WALL + 7999, 1_600_000_000) is None
    assert ticks.due(WALL + 8000, 1_600_000_000) == 1_600_005_000


def test_clock_goes_on_from_where_the_ticks_of_a_replay_brought_it() -> None:
    ticks = TickSchedule(5000)
    ticks.saw(WALL, 1_000_000_000, only_ticks=False)
    ticks.saw(WALL + 100, 1_001_200_000, only_ticks=True)
    assert ticks.due(WALL + 5100, 1_001_200_000) == 1_001_205_000
