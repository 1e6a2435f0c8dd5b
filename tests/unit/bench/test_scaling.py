import os
import time

import pytest

from bench.process_cpu import cpu_seconds_of
from bench.scaling import Reached, Sample, compare, reached
from models.errors import OperatorError

ONE = Reached(1, 10.0, 40_000.0, worker_cpu_us=16.0, broker_cpu_us=4.0, largest_share=1.0)
TWO = Reached(2, 10.0, 64_000.0, worker_cpu_us=16.0, broker_cpu_us=4.0, largest_share=0.5)


def test_two_workers_at_the_same_cost_per_event_do_twice_as_much_with_a_core_each() -> None:
    scaling = compare(ONE, TWO, cores=2)
    assert scaling.by_cpu == 2.0
    assert scaling.by_wall_clock == 1.6


def test_the_broker_on_the_same_cores_limits_the_wall_clock() -> None:
    assert compare(ONE, TWO, cores=2).limit_here == 1.6
    assert compare(ONE, TWO, cores=16).limit_here == 2.0


def test_the_worker_with_more_of_the_events_sets_the_pace() -> None:
    uneven = Reached(2, 10.0, 64_000.0, worker_cpu_us=20.0, broker_cpu_us=4.0, largest_share=0.6)
    assert compare(ONE, uneven, cores=2).by_cpu == round(16 / (20 * 0.6), 3)


def test_a_run_counts_while_every_worker_is_at_work() -> None:
    samples = [
        Sample(0.0, (0.0, 0.0), 0.0, 5.0),
        Sample(1.0, (900.0, 0.0), 1.0, 5.5),
        Sample(2.0, (1_000.0, 100.0), 2.0, 6.0),
        Sample(3.0, (1_300.0, 200.0), 2.5, 6.1),
        Sample(4.0, (1_600.0, 300.0), 3.0, 6.2),
        Sample(5.0, (1_700.0, 400.0), 9.0, 9.0),
        Sample(6.0, (1_700.0, 500.0), 9.5, 9.5),
    ]
    assert reached(samples) == Reached(2, 2.0, 400.0, 1_250.0, 250.0, 0.75)


def test_a_run_in_which_workers_were_not_at_work_together_says_nothing() -> None:
    samples = [Sample(0.0, (0.0, 0.0), 0.0, 0.0), Sample(1.0, (90.0, 10.0), 1.0, 1.0)]
    with pytest.raises(OperatorError, match="more events"):
        reached(samples)


def test_cpu_time_of_a_process_is_what_it_spent() -> None:
    before, began = cpu_seconds_of(os.getpid()), time.process_time()
    while time.process_time() - began < 0.3:
        pass
    assert cpu_seconds_of(os.getpid()) - before == pytest.approx(0.3, abs=0.05)


def test_cpu_time_of_no_process_is_an_operators_error() -> None:
    with pytest.raises(OperatorError, match="Linux"):
        cpu_seconds_of(2**22 + 1)
