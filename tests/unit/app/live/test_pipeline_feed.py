"""The fold of the topic ``health``, and the pipeline as a whole."""

import pytest

from app.live.pipeline_feed import SILENT_MS, PipelineFeed
from app.live.rejected_feed import RejectedFeed
from models.pipeline import PipelineState
from tests.support.live import T0, LiveRecord, health, rejected


def unknown(partitions: int) -> PipelineState:
    """A pipeline of which nothing is known."""
    return PipelineState(partitions, 0, None, None, None, None, None, None, None, [])


def state(feed: PipelineFeed, after_ms: int = 0) -> PipelineState:
    return feed.state(T0 + after_ms, [])


def test_nothing_is_known_before_the_first_record() -> None:
    assert state(PipelineFeed(3)) == unknown(3)
    assert PipelineFeed(3).clock_ms() is None


def test_partitions_are_added_up_and_the_worst_freshness_counts() -> None:
    feed = PipelineFeed(3)
    feed.apply(
        [
            health(0, accepted=10, duplicates=1, lag=5, freshness=0.25, saved_ms=T0 - 4000),
            health(2, accepted=20, duplicates=2, lag=7, freshness=1.5, saved_ms=T0 - 9500),
        ]
    )
    found = state(feed)
    assert (found.partitions, found.reporting) == (3, 2)
    assert (found.lag_records, found.freshness_seconds) == (12, 1.5)
    assert (found.accepted, found.duplicates) == (30, 3)
    assert found.checkpoint_age_seconds == 9.5


def test_imbalances_do_not_make_up_for_each_other() -> None:
    feed = PipelineFeed(2)
    feed.apply([health(0, imbalance=3), health(1, imbalance=-3)])
    assert state(feed).ledger_imbalance == 6


def test_newest_record_of_a_partition_holds() -> None:
    feed = PipelineFeed(1)
    feed.apply([health(0, accepted=1, lag=9), health(0, T0 + 1000, accepted=5, lag=0)])
    assert (state(feed).accepted, state(feed).lag_records) == (5, 0)
    assert feed.clock_ms() == T0 + 1000


def test_partition_that_is_silent_for_15_s_reports_no_more_but_its_events_still_count() -> None:
    feed = PipelineFeed(2)
    feed.apply([health(0, accepted=4, lag=3), health(1, T0 + 10_000, accepted=5, lag=0)])
    assert state(feed, SILENT_MS).reporting == 2
    late = state(feed, SILENT_MS + 1)
    assert (late.reporting, late.lag_records, late.accepted) == (1, 0, 9)
    gone = state(feed, SILENT_MS + 10_001)
    assert (gone.reporting, gone.lag_records, gone.ledger_imbalance) == (0, None, None)
    assert (gone.events_per_second, gone.checkpoint_age_seconds) == (None, None)


def test_lag_and_freshness_are_null_until_the_broker_told() -> None:
    feed = PipelineFeed(2)
    feed.apply([health(0, lag=None, freshness=None)])
    assert (state(feed).lag_records, state(feed).freshness_seconds) == (None, None)
    feed.apply([health(1, lag=2, freshness=0.5)])
    assert (state(feed).lag_records, state(feed).freshness_seconds) == (2, 0.5)


def test_rate_is_that_of_all_events_over_the_last_ten_seconds() -> None:
    feed = PipelineFeed(2)
    for second in range(31):
        # 100 a second until 20 s, then 300.
        count = 100 * second + 200 * max(second - 20, 0)
        feed.apply([health(0, T0 + second * 1000, accepted=count - 2, duplicates=1, rejected=1)])
    assert state(feed, 30_000).events_per_second == 300.0
    feed.apply([health(1, T0 + 29_000, accepted=0), health(1, T0 + 30_000, accepted=50)])
    assert state(feed, 30_000).events_per_second == 350.0


def test_rate_does_not_fall_below_nothing_when_a_worker_goes_on_from_its_checkpoint() -> None:
    feed = PipelineFeed(1)
    feed.apply([health(0, accepted=1000), health(0, T0 + 1000, accepted=400)])
    assert state(feed).events_per_second is None
    feed.apply([health(0, T0 + 2000, accepted=600)])
    assert state(feed).events_per_second == 200.0


def test_clocks_that_differ_make_no_negative_age() -> None:
    feed = PipelineFeed(1)
    feed.apply([health(0, T0 + 2000, saved_ms=T0 + 1000)])
    assert state(feed).checkpoint_age_seconds == 0.0


@pytest.mark.parametrize("value", [None, b"", b"{}", b"null", health(7).value, health(-1).value])
def test_record_that_is_no_state_of_a_partition_is_passed_over(value: bytes | None) -> None:
    feed = PipelineFeed(2)
    feed.apply([LiveRecord(b"0", value)])
    assert state(feed).reporting == 0


def test_topic_that_was_created_anew_leaves_nothing_behind() -> None:
    feed = PipelineFeed(1)
    feed.apply([health(0, accepted=9)])
    feed.clear()
    assert state(feed) == unknown(1)


def test_what_is_refused_is_part_of_the_state() -> None:
    refused = RejectedFeed()
    refused.apply([rejected("too_old")])
    reasons = refused.reasons(T0)
    assert PipelineFeed(1).state(T0, reasons).rejected == reasons
