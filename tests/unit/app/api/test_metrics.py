"""The metrics of the API process."""

import pytest

from app.api.metrics import EVENTS_ROUTES, ApiMetrics
from models.verdicts import MALFORMED, REASONS, TOO_OLD

NAME = "playvitals_api_requests_total"


@pytest.mark.parametrize("route", EVENTS_ROUTES)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 413, 415, 429, 500, 503])
def test_answers_to_events_are_known_before_the_first_one(route: str, status: int) -> None:
    metrics = ApiMetrics()
    labels = {"route": route, "status": str(status)}
    assert metrics.registry.get_sample_value(NAME, labels) == 0
    metrics.observe_request(route, status, 0.1)
    assert metrics.registry.get_sample_value(NAME, labels) == 1


def test_refused_events_are_counted_by_rule_and_every_rule_is_known_before() -> None:
    metrics = ApiMetrics()
    value = metrics.registry.get_sample_value
    assert {value("playvitals_api_refused_total", {"reason": reason}) for reason in REASONS} == {0}
    metrics.add_refused([TOO_OLD, MALFORMED, TOO_OLD])
    assert value("playvitals_api_refused_total", {"reason": TOO_OLD}) == 2
    assert value("playvitals_api_refused_total", {"reason": MALFORMED}) == 1
    assert value("playvitals_api_events_total", {"outcome": "failed"}) == 3
