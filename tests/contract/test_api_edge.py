"""What holds for every path: envelopes, headers, CORS, health, metrics, documentation."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.application import create_api
from app.live.feeds import LiveFeeds
from app.settings import load_settings
from tests.contract.conftest import FakeSink
from tests.contract.test_events_api import EVENT, SINGLE, code_of

PATHS = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", SINGLE])
async def test_every_response_has_an_id_and_the_rate_limit(
    client: httpx.AsyncClient, path: str
) -> None:
    ids = set()
    for _ in range(2):
        answer = await client.get(path)
        ids.add(answer.headers["x-request-id"])
        assert int(answer.headers["x-ratelimit-limit"]) == 1000
        assert 0 <= int(answer.headers["x-ratelimit-remaining"]) <= 1000
        assert 1 <= int(answer.headers["x-ratelimit-reset"]) <= 61
    assert len(ids) == 2


async def test_unknown_paths_and_methods_are_answered_in_the_envelope(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/v1/nothing")
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    assert len((await client.get("/" + "x" * 5000)).content) < 300
    for method, path in (("GET", SINGLE), ("DELETE", "/v1/events/batch"), ("POST", "/healthz")):
        answer = await client.request(method, path)
        assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"]


@pytest.mark.parametrize("path", PATHS)
async def test_what_tells_about_the_api_needs_no_key(client: httpx.AsyncClient, path: str) -> None:
    del client.headers["Authorization"]
    assert (await client.get(path)).status_code == 200


async def test_not_ready_without_a_broker_but_alive(
    client: httpx.AsyncClient, sink: FakeSink
) -> None:
    sink.away = True
    answer = await client.get("/readyz")
    assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
    assert (await client.get("/healthz")).status_code == 200


async def test_over_the_limit_is_a_429_that_says_when_to_come_back(
    client: httpx.AsyncClient,
) -> None:
    # Twice the limit: a new minute may begin meanwhile.
    for _ in range(2001):
        answer = await client.post(SINGLE, content=b"{}")
        if answer.status_code == 429:
            break
        assert answer.status_code == 400
        remaining = answer.headers["x-ratelimit-remaining"]
    assert remaining == "0"
    assert (answer.status_code, code_of(answer)) == (429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) == int(answer.headers["x-ratelimit-reset"])
    other = await client.post(SINGLE, json=EVENT, headers={"Authorization": "Bearer sk_test_demo"})
    assert other.status_code == 200


async def test_allowed_origin_may_send_and_read_the_answer(client: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://app.example"}
    preflight = await client.options(
        SINGLE,
        headers={
            **origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    answer = await client.post(SINGLE, json=EVENT, headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()


async def test_other_origins_are_not_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.post(SINGLE, json=EVENT, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "method", "headers", "fault"),
    [
        ("https://evil.example", "POST", "content-type", "origin"),
        ("null", "POST", "content-type", "origin"),
        ("https://app.example", "DELETE", "content-type", "method"),
        ("https://app.example", "POST", "content-type,x-own", "headers"),
        ("http://app.example", "PUT", "x-own", "origin, method, headers"),
    ],
)
async def test_refused_preflight_is_answered_in_the_envelope(
    client: httpx.AsyncClient, origin: str, method: str, headers: str, fault: str
) -> None:
    answer = await client.options(
        SINGLE,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )
    assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")
    assert answer.json()["error"]["message"].startswith(f"Disallowed CORS {fault};")
    assert answer.json()["meta"]["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert int(answer.headers["x-ratelimit-limit"]) == 1000
    assert ("access-control-allow-origin" in answer.headers) is ("origin" not in fault)


async def test_preflight_where_no_origin_is_allowed_is_a_method_not_allowed(
    sink: FakeSink, feeds: LiveFeeds
) -> None:
    transport = httpx.ASGITransport(create_api(load_settings({}), sink, feeds))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.options(
            SINGLE,
            headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
        )
    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert "access-control-allow-origin" not in answer.headers


async def test_requests_and_events_are_counted(client: httpx.AsyncClient, sink: FakeSink) -> None:
    await client.post(SINGLE, json=EVENT)
    await client.post("/v1/events/batch", json={"events": [EVENT, {}]})
    await client.get("/no/such/path")
    sink.away = True
    await client.post(SINGLE, json=EVENT)
    text = (await client.get("/metrics")).text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["playvitals_api_events_total", "received"] == 2
    assert samples["playvitals_api_events_total", "failed"] == 1
    assert samples["playvitals_api_events_total", "unavailable"] == 1
    assert samples["playvitals_api_refused_total", "missing_field"] == 1
    assert samples["playvitals_api_requests_total", SINGLE, "200"] == 1
    assert samples["playvitals_api_requests_total", SINGLE, "503"] == 1
    assert samples["playvitals_api_requests_total", "unmatched", "404"] == 1
    assert samples["playvitals_api_request_seconds_count",] == 4


async def test_openapi_document_covers_the_endpoints_and_every_reference_resolves(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert {"/v1/events", "/v1/events/batch"} <= document["paths"].keys()
    answers = document["paths"]["/v1/events"]["post"]["responses"]
    assert answers.keys() == {"200", "400", "401", "403", "404", "405", "413", "415", "429", "503"}
    for reference in _references(document):
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []


async def test_documentation_page_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_bug_is_answered_and_the_process_goes_on(
    client: httpx.AsyncClient, sink: FakeSink, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    working, sink.append_all = sink.append_all, broken  # type: ignore[method-assign,assignment]
    answer = await client.post(SINGLE, json=EVENT)
    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL_ERROR")
    assert "a bug" in caplog.text
    sink.append_all = working  # type: ignore[method-assign]
    assert (await client.post(SINGLE, json=EVENT)).status_code == 200
