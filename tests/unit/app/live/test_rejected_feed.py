"""Refused events: counts by rule over the last hour, and the newest of each rule."""

from app.live.rejected_feed import MAX_RAW_CHARACTERS, RejectedFeed
from models.timestamps import format_timestamp
from tests.support.live import T0, LiveRecord, rejected

MINUTE_MS = 60_000


def counts(feed: RejectedFeed, clock_ms: int | None = T0) -> dict[str, int]:
    return {it.reason: it.last_hour for it in feed.reasons(clock_ms)}


def test_refusals_are_counted_by_reason_the_busiest_first() -> None:
    feed = RejectedFeed()
    reasons = ("malformed", "too_old", "too_old", "out_of_range")
    feed.apply([rejected(reason, offset=at) for at, reason in enumerate(reasons)])
    assert list(counts(feed).items()) == [("too_old", 2), ("malformed", 1), ("out_of_range", 1)]


def test_newest_event_of_a_reason_is_the_sample() -> None:
    feed = RejectedFeed()
    feed.apply(
        [
            rejected("too_old", T0 + 1, offset=1, raw="first"),
            rejected("too_old", T0 + 9, offset=2, raw="newest"),
            rejected("too_old", T0 + 5, source=1, raw="of another partition"),
        ]
    )
    (found,) = feed.reasons(T0)
    assert found.last_hour == 3
    assert found.sample.raw == "newest"
    assert found.sample.received_at == format_timestamp(T0 + 9)
    assert (found.sample.field, found.sample.message) == ("contentId", "contentId: too_old")


def test_refusals_leave_the_count_after_an_hour_of_server_time() -> None:
    feed = RejectedFeed()
    for minute in range(90):
        feed.apply([rejected("too_old", T0 + minute * MINUTE_MS, offset=minute)])
    assert counts(feed, T0) == {"too_old": 60}
    assert counts(feed, T0 + 100 * MINUTE_MS) == {"too_old": 49}
    assert counts(feed, T0 + 150 * MINUTE_MS) == {}


def test_without_a_clock_the_newest_refusal_is_now() -> None:
    feed = RejectedFeed()
    feed.apply([rejected("too_old", T0, offset=0), rejected("too_old", T0 + MINUTE_MS, offset=1)])
    assert counts(feed, None) == {"too_old": 2}


def test_records_that_a_worker_wrote_again_count_once() -> None:
    feed = RejectedFeed()
    first = [rejected("too_old", offset=4), rejected("malformed", offset=7)]
    feed.apply(first)
    feed.apply([*first, rejected("malformed", offset=8), rejected("malformed", source=1, offset=2)])
    assert counts(feed) == {"malformed": 3, "too_old": 1}


def test_raw_text_is_cut_and_says_so_where_it_is_base64() -> None:
    feed = RejectedFeed()
    feed.apply([rejected("too_large", raw="x" * 50_000)])
    assert feed.reasons(T0)[0].sample.raw == "x" * MAX_RAW_CHARACTERS
    value = rejected("malformed", raw="/w==").value or b""
    feed.apply([LiveRecord(None, value[:-1] + b',"rawEncoding":"base64"}', offset=1)])
    assert {it.reason: it.sample.raw_encoding for it in feed.reasons(T0)} == {"too_large": None}, (
        "of the same raw offset: it was counted"
    )
    feed.apply([LiveRecord(None, value[:-1] + b',"rawEncoding":"base64"}', partition=1)])
    assert feed.reasons(T0)[0].sample.raw_encoding == "base64"


def test_reasons_that_the_worker_does_not_write_are_one() -> None:
    feed = RejectedFeed()
    feed.apply([rejected(f"made-up-{number}", offset=number) for number in range(1000)])
    assert counts(feed) == {"other": 1000}


def test_record_that_cannot_be_read_is_passed_over() -> None:
    feed = RejectedFeed()
    feed.apply([LiveRecord(None, value) for value in (None, b"", b"{}", b"\xff")])
    feed.apply([rejected("too_old")])
    assert counts(feed) == {"too_old": 1}


def test_topic_that_was_created_anew_is_counted_anew() -> None:
    feed = RejectedFeed()
    feed.apply([rejected("too_old", T0 + 5 * MINUTE_MS, offset=9)])
    feed.clear()
    feed.apply([rejected("malformed", offset=0)])
    assert counts(feed, None) == {"malformed": 1}
