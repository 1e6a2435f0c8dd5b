"""Requests per key and minute."""

from app.api.rate_limit import RateLimit


class Clock:
    """Seconds that a test sets."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def test_key_is_over_the_limit_after_its_last_request_until_the_next_minute() -> None:
    clock = Clock(120.0)
    limit = RateLimit(2, clock)
    assert [limit.count(b"a").exceeded for _ in range(3)] == [False, False, True]
    assert not limit.count(b"b").exceeded
    clock.seconds = 179.9
    assert limit.count(b"a").exceeded
    clock.seconds = 180.0
    assert limit.count(b"a") == (2, 1, 60, False)


def test_headers_count_down() -> None:
    clock = Clock(60.5)
    limit = RateLimit(5, clock)
    assert limit.count(b"a").headers() == [
        (b"x-ratelimit-limit", b"5"),
        (b"x-ratelimit-remaining", b"4"),
        (b"x-ratelimit-reset", b"60"),
    ]
    clock.seconds = 119.2
    allowance = limit.count(b"a")
    assert (allowance.remaining, allowance.reset_seconds) == (3, 1)


def test_looking_at_the_limit_costs_nothing() -> None:
    limit = RateLimit(1, Clock(0.0))
    assert [limit.peek().remaining for _ in range(3)] == [1, 1, 1]
