"""The metrics of the live figures."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.live.feeds import LiveFeeds


class LiveCollector(Collector):
    """Tells whether the feeds are current, and how many pages are open."""

    def __init__(self, feeds: LiveFeeds) -> None:
        self._feeds = feeds

    def describe(self) -> Iterable[Metric]:
        """Nothing to check against: every name here is unique."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        current = GaugeMetricFamily(
            "playvitals_api_feed_current",
            "Whether a topic behind the live figures is read up to its end (1) or not (0)",
            labels=("feed",),
        )
        failures = CounterMetricFamily(
            "playvitals_api_feed_failures",
            "How often a topic behind the live figures could not be read",
            labels=("feed",),
        )
        for name, reader in self._feeds.readers.items():
            current.add_metric((name,), reader.is_current())
            failures.add_metric((name,), reader.failures)
        yield current
        yield failures
        yield GaugeMetricFamily(
            "playvitals_api_live_streams",
            "Open live streams, one per page",
            value=self._feeds.streams.open,
        )
