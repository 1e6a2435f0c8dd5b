"""``GET /v1/quality``: its shape, its defaults, its refusals."""

import json

import httpx
import pytest

from app.live.feeds import LiveFeeds
from models.figures import (
    ENDED_VIEWS,
    PLAYS,
    REBUFFER_MS,
    REBUFFERED_VIEWS,
    STARTUP_MS,
    WATCH_MS,
    new_figures,
)
from models.timestamps import format_timestamp
from tests.contract.test_events_api import code_of
from tests.support.live import T0, FakeReader, figures, gone, window

QUALITY = "/v1/quality"
SECRET = {"Authorization": "Bearer sk_test_demo"}

FIELDS = {
    *("window", "dimension", "value", "start", "end", "impressions", "plays", "completions"),
    *("endedViews", "rebufferedViews", "exitsBeforeStart", "startFailures", "playbackFailures"),
    *("rebuffers", "rebufferMs", "watchMs", "downshifts", "activeViewers", "rebufferRatio"),
    *("rebufferedViewsRatio", "completionRatio", "exitsBeforeStartRatio", "startFailureRatio"),
    *("playbackFailureRatio", "waitRatio", "meanStallMs", "startup"),
}


@pytest.fixture
def secret(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The client with a secret key."""
    client.headers.update(SECRET)
    return client


async def test_slices_come_in_the_shape_of_the_topic_the_heaviest_first(
    secret: httpx.AsyncClient, feeds: LiveFeeds
) -> None:
    records = [
        window("5m", "rendition", "720p", T0 + 500, figures(3, 250, 750)),
        window("5m", "rendition", "1080p", T0, figures(9)),
        window("5m", "codec", "av1", T0, figures(9)),
        window("1m", "rendition", "720p", T0, figures(1)),
    ]
    feeds.windows.apply(records)
    answer = await secret.get(QUALITY, params={"window": "5m", "dimension": "rendition"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["data"] == [json.loads(records[at].value or b"") for at in (1, 0)]
    assert all(slice_.keys() == FIELDS for slice_ in body["data"])
    assert body["data"][1]["rebufferRatio"] == 0.25
    assert body["meta"] == {
        "requestId": answer.headers["x-request-id"],
        "clock": format_timestamp(T0 + 500),
    }


async def test_ratio_of_nothing_is_null(secret: httpx.AsyncClient, feeds: LiveFeeds) -> None:
    feeds.windows.apply([window("5m", "all", of=new_figures())])
    (found,) = (await secret.get(QUALITY, params={"dimension": "all"})).json()["data"]
    ratios = {name: value for name, value in found.items() if name.endswith("Ratio")}
    assert len(ratios) == 7
    assert set(ratios.values()) == {None}
    assert found["meanStallMs"] is None
    assert found["startup"] == {"count": 0, **dict.fromkeys(("meanMs", "p50Ms", "p90Ms"))} | {
        "p95Ms": None,
        "p99Ms": None,
    }


async def test_without_parameters_it_is_the_second_window_by_rendition(
    secret: httpx.AsyncClient, feeds: LiveFeeds
) -> None:
    feeds.windows.apply([window("5m", "rendition", "720p"), window("1m", "rendition", "720p")])
    (found,) = (await secret.get(QUALITY)).json()["data"]
    assert (found["window"], found["dimension"]) == ("5m", "rendition")


async def test_slice_that_ended_is_gone(secret: httpx.AsyncClient, feeds: LiveFeeds) -> None:
    feeds.windows.apply([window("5m", "rendition", "720p"), gone("5m", "rendition", "720p")])
    assert (await secret.get(QUALITY)).json()["data"] == []


async def test_before_the_first_event_there_is_nothing_and_no_clock(
    secret: httpx.AsyncClient,
) -> None:
    body = (await secret.get(QUALITY)).json()
    assert (body["data"], body["meta"]["clock"]) == ([], None)


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ({"window": "2h"}, "1m, 5m, 15m, 1h"),
        ({"dimension": "contentId"}, "all, rendition, codec"),
        ({"window": "x" * 10_000}, "1m, 5m"),
    ],
)
async def test_unknown_window_or_dimension_is_a_400_with_the_known_ones(
    secret: httpx.AsyncClient, query: dict[str, str], known: str
) -> None:
    answer = await secret.get(QUALITY, params=query)
    assert (answer.status_code, code_of(answer)) == (400, "INVALID_REQUEST")
    assert known in answer.json()["error"]["message"]
    assert len(answer.content) < 1000


async def test_only_a_secret_key_may_read(client: httpx.AsyncClient) -> None:
    answer = await client.get(QUALITY)
    assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")
    answer = await client.get(QUALITY, headers={"Authorization": "Bearer sk_live_x"})
    assert (answer.status_code, code_of(answer)) == (403, "ENVIRONMENT_MISMATCH")
    del client.headers["Authorization"]
    answer = await client.get(QUALITY, headers={"Host": "localhost:8080"})
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("reader", "message"),
    [(FakeReader(caught_up=False), "not read"), (FakeReader(current=False), "10 s")],
    ids=["not read yet", "broker away"],
)
async def test_figures_that_may_be_old_are_a_503(
    secret: httpx.AsyncClient, feeds: LiveFeeds, message: str
) -> None:
    feeds.windows.apply([window("5m", "rendition", "720p")])
    answer = await secret.get(QUALITY)
    assert (answer.status_code, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
    assert message in answer.json()["error"]["message"]
    assert int(answer.headers["retry-after"]) > 0


async def test_requests_count_against_the_limit_of_the_key(secret: httpx.AsyncClient) -> None:
    first = await secret.get(QUALITY)
    second = await secret.get(QUALITY)
    remaining = [int(answer.headers["x-ratelimit-remaining"]) for answer in (first, second)]
    assert remaining == [999, 998]


async def test_answer_fits_the_schema_of_the_documentation(
    secret: httpx.AsyncClient, feeds: LiveFeeds
) -> None:
    of = new_figures()
    for figure in (PLAYS, WATCH_MS, REBUFFER_MS, ENDED_VIEWS, REBUFFERED_VIEWS, STARTUP_MS):
        of.sums[figure] = 1000 + figure
    feeds.windows.apply([window("5m", "rendition", "720p", of=of)])
    document = (await secret.get("/openapi.json")).json()
    get = document["paths"][QUALITY]["get"]
    parameters = {it["name"]: it["schema"] for it in get["parameters"]}
    assert parameters["window"]["enum"] == ["1m", "5m", "15m", "1h"]
    assert parameters["window"]["default"] == "5m"
    assert parameters["dimension"]["default"] == "rendition"
    assert {"200", "400", "401", "403", "429", "503"} <= get["responses"].keys()
    schemas = document["components"]["schemas"]
    (found,) = (await secret.get(QUALITY)).json()["data"]
    for value, schema in ((found, "WindowRecord"), (found["startup"], "Startup")):
        assert value.keys() == schemas[schema]["properties"].keys()
        assert set(schemas[schema]["required"]) == value.keys()
