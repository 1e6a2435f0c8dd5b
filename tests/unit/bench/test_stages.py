from bench.stages import PARTS, measure_stages


def test_parts_add_up_to_the_load_and_show_every_stage() -> None:
    parts = list(measure_stages(20_000, 30.0, seed=2))
    assert parts[-1].events == 20_000
    assert PARTS - 1 <= len(parts) <= PARTS
    assert [part.events for part in parts] == sorted(part.events for part in parts)
    last = parts[-1]
    assert 0 < last.checkpoint_us < last.total_us
    assert 0 < last.apply_us
    assert last.viewers > 100
    assert last.checkpoint_bytes > 0
    assert last.longest_checkpoint_ms > 0
