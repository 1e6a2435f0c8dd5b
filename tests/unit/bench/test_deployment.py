from dataclasses import replace

import pytest

from bench.deployment import Deployment, Inputs

INPUTS = Inputs(
    events_per_viewer_second=0.5,
    open_views_per_viewer=2.0,
    raw_bytes=300.0,
    written_bytes=700.0,
    panes_bytes_per_second=1_000.0,
    worker_us=10.0,
    second_worker=2.0,
    api_us=5.0,
    merge_us=100.0,
    base_mib=100.0,
    id_bytes=10.0,
    view_bytes=2_000.0,
    slice_bytes=1_000.0,
    stored_view_bytes=500.0,
    restored_views_per_second=10_000.0,
    restored_ids_per_second=1_000_000.0,
    utilisation=0.5,
    average_share=0.5,
    replicas=3,
    session_timeout_seconds=30.0,
    values=50,
    slices=100,
)
MILLION = Deployment(INPUTS, 1_000_000)


def test_processes_follow_the_time_per_event_and_one_is_to_spare() -> None:
    assert MILLION.events_per_second == 500_000
    # Five cores' worth of work at half of each core.
    assert (MILLION.busy_workers, MILLION.workers) == (10, 11)
    # Two and a half at half of each core.
    assert MILLION.apis == 6
    assert MILLION.partitions == 24


def test_a_second_worker_that_adds_less_takes_more_of_them() -> None:
    assert Deployment(replace(INPUTS, second_worker=1.6), 1_000_000).busy_workers == 13


def test_few_viewers_take_two_workers_and_the_default_partitions() -> None:
    small = Deployment(INPUTS, 100)
    assert (small.workers, small.apis, small.partitions) == (2, 2, 12)


def test_bytes_of_the_brokers() -> None:
    assert MILLION.broker_in_bytes == 500_000 * 1_000 + 24 * 1_000
    assert MILLION.broker_all_bytes == 3 * 500_024_000 + 500_000 * 300 + 24_000
    assert MILLION.raw_day_bytes == 250_000 * 86_400 * 300 * 3


def test_memory_and_checkpoints_follow_ids_views_and_slices() -> None:
    assert MILLION.ids == 250_000 * 90_000
    assert MILLION.open_views == 2_000_000
    state = 22_500_000_000 * 10 + 2_000_000 * 2_000 + 24 * 100 * 366 * 1_000
    assert MILLION.worker_bytes == 100 * 2**20 + state / 10
    assert MILLION.state_bytes == 22_500_000_000 * 8 + 2_000_000 * 500
    assert MILLION.partition_views == pytest.approx(83_333.3, abs=0.1)


def test_a_killed_worker_is_missed_restored_by_the_others_and_caught_up_with() -> None:
    # 200 s for all views and 22,500 s for all ids: a share of an eleventh, over ten workers.
    assert MILLION.restore_seconds == pytest.approx(22_700 / 110)
    assert MILLION.catch_up_seconds == pytest.approx((30 + 22_700 / 110) / 0.5)


def test_merging_grows_with_partitions_and_values() -> None:
    assert MILLION.merging_cores == pytest.approx(24 * 50 * 100 / 1e6)
    assert MILLION.merging_bytes == 24 * 50 * 366 * 1_000
