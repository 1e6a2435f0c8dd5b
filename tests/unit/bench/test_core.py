from bench.core import measure_core


def test_every_round_is_the_same_job() -> None:
    cost = measure_core(10_000, seed=3, rounds=2)
    again = measure_core(10_000, seed=3, rounds=1)
    assert cost.cpu_us_per_event > 0
    assert cost.open_views == again.open_views > 0
    assert cost.publications == again.publications > 0
