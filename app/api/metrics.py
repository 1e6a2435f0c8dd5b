"""The metrics of the API process."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

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


class ApiMetrics(Collector):
    """Counters and the latency histogram; each label has a bounded set of values.

    Plain integers on the path of a request; they become metrics when they are scraped.
    """

    def __init__(self) -> None:
        # A series that begins with its first error has no rate: the alert would not see that one.
        self._requests = {(route, status): 0 for route in EVENTS_ROUTES for status in _ANSWERS}
        self._latencies = [0] * (len(_LATENCY_EDGES_SECONDS) + 1)
        self._seconds = 0.0
        self._events = dict.fromkeys((RECEIVED, REFUSED, UNAVAILABLE), 0)
        self._refused = dict.fromkeys(REASONS, 0)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count one request; status 0 is a client that left before its answer."""
        place = route, status
        self._requests[place] = self._requests.get(place, 0) + 1
        self._latencies[bisect_left(_LATENCY_EDGES_SECONDS, seconds)] += 1
        self._seconds += seconds

    def add_events(self, outcome: str, events: int) -> None:
        """Count events by what became of them."""
        self._events[outcome] += events

    def add_refused(self, reasons: Iterable[str]) -> None:
        """Count refused events, each by the rule that decided."""
        for reason in reasons:
            self._events[REFUSED] += 1
            self._refused[reason] += 1

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        requests = CounterMetricFamily(
            "playvitals_api_requests",
            "Requests by route (unmatched: no such path) and status",
            labels=("route", "status"),
        )
        for (route, status), count in self._requests.items():
            requests.add_metric((route, str(status)), count)
        yield requests
        latency = HistogramMetricFamily(
            "playvitals_api_request_seconds", "Time to answer a request, in seconds"
        )
        buckets = []
        total = 0
        edges = (*_LATENCY_EDGES_SECONDS, float("inf"))
        for edge, count in zip(edges, self._latencies, strict=True):
            total += count
            name = floatToGoString(edge)  # type: ignore[no-untyped-call] # it has no types
            buckets.append((name, total))
        latency.add_metric((), buckets, self._seconds)
        yield latency
        events = CounterMetricFamily(
            "playvitals_api_events",
            "Events by outcome: received (durable), failed (refused), unavailable (broker away)",
            labels=("outcome",),
        )
        for outcome, count in self._events.items():
            events.add_metric((outcome,), count)
        yield events
        refused = CounterMetricFamily(
            "playvitals_api_refused",
            "Events refused, by the first rule that they break",
            labels=("reason",),
        )
        for reason, count in self._refused.items():
            refused.add_metric((reason,), count)
        yield refused
