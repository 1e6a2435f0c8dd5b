"""The pure modules of the live page, in the browser that they are for."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from app.settings import load_settings
from dashboards.grafana.generator.targets import FAILURES, REBUFFER_RATIO
from tests.contract.conftest import FakeSink
from tests.support.live import fed
from tests.support.page_server import page_server

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser, free_port: Callable[[], int]) -> AsyncIterator[Page]:
    """A page of the API's origin, so that it may import what the API serves."""
    settings = load_settings({"PLAYVITALS_API_ADDRESS": f"127.0.0.1:{free_port()}"})
    async with page_server(settings, FakeSink(), fed(settings)):
        found = await browser.new_page()
        await found.goto(settings.api_address.url)
        yield found
        await found.close()


async def call(page: Page, module: str, expression: str, argument: Any) -> Any:
    """The value of an expression over ``it``, the module, and ``argument``."""
    body = f"const it = await import('/assets/{module}'); return {expression};"
    return await page.evaluate(f"async argument => {{ {body} }}", argument)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("duration", 0, "0 ms"),
        ("duration", 355, "355 ms"),
        ("duration", 999.4, "999 ms"),
        ("duration", 999.5, "1.00 s"),
        ("duration", 1710, "1.71 s"),
        ("duration", 9994, "9.99 s"),
        ("duration", 9995, "10.0 s"),
        ("duration", 3_600_000, "3,600.0 s"),
        ("percent", 0, "0 %"),
        ("percent", 1, "100 %"),
        ("percent", 0.0076, "0.76 %"),
        ("percent", 0.09994, "9.99 %"),
        ("percent", 0.09995, "10.0 %"),
        ("percent", 1.25, "125.0 %"),
        ("count", 1_234_567, "1,234,567"),
        ("rate", 812.5, "813 /s"),
        ("rate", 0.25, "0.3 /s"),
        ("age", 0, "0 s"),
        ("age", 0.84, "0.8 s"),
        ("age", 9.95, "10 s"),
        ("age", 59.4, "59 s"),
        ("age", 59.5, "1 min 0 s"),
        ("age", 185, "3 min 5 s"),
        ("age", 3599.6, "1 h 0 min"),
        ("age", 7805, "2 h 10 min"),
        ("percent", None, "–"),  # noqa: RUF001 - the dash that the page shows
    ],
)
async def test_numbers_read_like_this(page: Page, name: str, value: Any, expected: str) -> None:
    shown = await call(page, "format.js", f"it.text(it.{name}, argument)", value)
    assert shown.replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("duration", 2000, "2 s"),
        ("duration", 1500, "1.5 s"),
        ("duration", 500, "500 ms"),
        ("percent", 0.02, "2 %"),
        ("percent", 0.1, "10 %"),
        ("percent", 0.0025, "0.25 %"),
        ("count", 1000, "1,000"),
    ],
)
async def test_targets_and_axes_have_no_idle_zeros(
    page: Page, name: str, value: float, expected: str
) -> None:
    shown = await call(page, "format.js", f"it.brief(it.{name}, argument)", value)
    assert shown.replace("\u00a0", " ") == expected


async def test_events_are_read_wherever_the_chunks_are_cut(page: Page) -> None:
    value = {"value": "a\nb: data: ü", "n": [1, None]}
    stream = (
        "event: settings\ndata: {}\n\n: keep-alive\n\n"
        f"event: now\ndata: {json.dumps(value, ensure_ascii=False)}\n\nevent: half\ndata: {{"
    )
    found = await call(
        page,
        "sse.js",
        """[1, 2, 7, 1000].map(size => {
            const parser = new it.EventParser();
            const events = [];
            for (let at = 0; at < argument.length; at += size) {
                events.push(...parser.push(argument.slice(at, at + size)));
            }
            return events;
        })""",
        stream,
    )
    expected = [{"event": "settings", "data": {}}, {"event": "now", "data": value}]
    assert found == [expected] * 4


async def test_course_keeps_one_hour_and_passes_over_what_it_has(page: Page) -> None:
    kept = await call(
        page,
        "chart_data.js",
        """(() => {
            const course = new it.Course();
            const point = second => ({ at: new Date(second * 1000).toISOString(), plays: second });
            for (let second = 0; second <= argument; second += 5) course.add(point(second));
            course.add(point(argument));
            const [times, plays] = course.columns(["plays"]);
            return [times[0], times.at(-1), times.length, plays.at(-1), course.range()];
        })()""",
        7_200,
    )
    assert kept == [3_600, 7_200, 721, 7_200, [3_600, 7_200]]


async def test_sparkline_breaks_where_there_is_no_value(page: Page) -> None:
    path, label = await call(
        page,
        "sparkline.js",
        """(() => {
            const spark = new it.Sparkline();
            spark.draw(argument, 0.1);
            const path = spark.node.querySelector("path").getAttribute("d");
            return [path, spark.node.getAttribute("aria-label")];
        })()""",
        [0.0, 0.1, None, 0.05, None, 0.0, 0.02],
    )
    assert path.count("M") == 3
    assert path.startswith("M2.0 22.0L17.3 2.0M")
    assert "h0.01" in path
    assert label.replace("\u00a0", " ").endswith("now 2.00 %, highest 10.0 %")


async def test_alarms_are_where_the_dashboards_turn_red(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
            const { FIGURES } = await import("/assets/figures.js");
            const named = Object.entries(FIGURES).filter(([, figure]) => "alarm" in figure);
            return Object.fromEntries(named.map(([name, figure]) => [name, figure.alarm]));
        }"""
    )
    assert found == {
        "rebufferRatio": REBUFFER_RATIO[-1].value,
        "startFailures": FAILURES[-1].value,
        "playbackFailures": FAILURES[-1].value,
    }


@pytest.mark.parametrize(
    ("figure", "value", "expected"),
    [
        ("rebufferRatio", 0.03, None),
        ("rebufferRatio", 0.031, "alarming"),
        ("rebufferRatio", None, None),
        ("rebufferedViews", 0.02, "missed"),
        ("rebufferedViews", 0.019, "met"),
        ("exits", 1, None),
    ],
)
async def test_verdict_is_on_the_target_or_else_on_the_alert(
    page: Page, figure: str, value: float | None, expected: str | None
) -> None:
    judged = "it.verdict(it.FIGURES[argument.figure], argument.value)"
    assert await call(page, "figures.js", judged, {"figure": figure, "value": value}) == expected


async def test_lines_across_the_charts_are_the_targets_and_the_alert(page: Page) -> None:
    lines = "Object.fromEntries(it.CHARTS.map(({ title, lines }) => [title, lines ?? []]))"
    assert await call(page, "chart_definitions.js", lines, None) == {
        "Startup time": [[500, "target p50"], [2000, "target p95"]],
        "Rebuffer ratio": [[0.03, "alert"]],
        "Completion rate": [],
        "Active viewers": [],
        "Failed views": [],
    }
