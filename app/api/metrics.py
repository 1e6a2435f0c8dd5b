"""The metrics of the API process."""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from models.verdicts import REASONS

RECEIVED = "received"
REFUSED = "failed"
UNAVAILABLE = "unavailable"

EVENTS_ROUTES = ("/v1/events", "/v1/events/batch")
_ANSWERS = (200, 400, 401, 403, 413, 415, 429, 500, 503)
_LATENCY_EDGES_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
    *(0.5, 1.0, 2.5, 5.0, 10.0),
)


class ApiMetrics:
    """Counters and the latency histogram; each label has a bounded set of values."""

    def __init__(self) -> None:
        # A second series per counter that tells only when the process started.
        disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "playvitals_api_requests",
            "Requests by route (unmatched: no such path) and status",
            ("route", "status"),
            registry=self.registry,
        )
        # A series that begins with its first error has no rate: the alert would not see that one.
        for route in EVENTS_ROUTES:
            for status in _ANSWERS:
                self._requests.labels(route, str(status))
        self._seconds = Histogram(
            "playvitals_api_request_seconds",
            "Time to answer a request, in seconds",
            buckets=_LATENCY_EDGES_SECONDS,
            registry=self.registry,
        )
        self._events = Counter(
            "playvitals_api_events",
            "Events by outcome: received (durable), failed (refused), unavailable (broker away)",
            ("outcome",),
            registry=self.registry,
        )
        for outcome in (RECEIVED, REFUSED, UNAVAILABLE):
            self._events.labels(outcome)
        self._refused = Counter(
            "playvitals_api_refused",
            "Events refused, by the first rule that they break",
            ("reason",),
            registry=self.registry,
        )
        for reason in REASONS:
            self._refused.labels(reason)

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count one request; status 0 is a client that left before its answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.observe(seconds)

    def add_events(self, outcome: str, events: int) -> None:
        """Count events by what became of them."""
        self._events.labels(outcome).inc(events)

    def add_refused(self, reasons: Iterable[str]) -> None:
        """Count refused events, each by the rule that decided."""
        for reason in reasons:
            self._events.labels(REFUSED).inc()
            self._refused.labels(reason).inc()
