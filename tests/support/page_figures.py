"""The figures that the live page shows, compared with those of ``/v1/quality``."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.chromium import LivePage, number

SECRET = "sk_test_demo"
COLUMNS: dict[str, Callable[[dict[str, Any]], float | None]] = {
    "Plays": lambda it: it["plays"],
    "Active viewers": lambda it: it["activeViewers"],
    "Rebuffer ratio": lambda it: it["rebufferRatio"],
    "Rebuffered views": lambda it: it["rebufferedViewsRatio"],
    "Mean stall": lambda it: it["meanStallMs"],
    "Startup p50": lambda it: it["startup"]["p50Ms"],
    "Startup p95": lambda it: it["startup"]["p95Ms"],
    "Completion rate": lambda it: it["completionRatio"],
    "Exits before start": lambda it: it["exitsBeforeStartRatio"],
    "Start failures": lambda it: it["startFailureRatio"],
    "Playback failures": lambda it: it["playbackFailureRatio"],
}


def expect_shown(shown: str, expected: float | None) -> None:
    """A figure is shown as this, to the last digit shown."""
    found, half_digit = number(shown)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=half_digit * 1.001)


async def quality(url: str, window_label: str, dimension: str) -> list[dict[str, Any]]:
    """What ``/v1/quality`` answers."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {SECRET}"}) as client:
        answer = await client.get(
            f"{url}/v1/quality", params={"window": window_label, "dimension": dimension}
        )
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def expect_figures_of_answer(
    page: LivePage, url: str, window_label: str, dimension: str
) -> None:
    """Every tile and every cell shows what ``/v1/quality`` says, to the last digit shown."""
    (everything,) = await quality(url, window_label, "all")
    for label, of in COLUMNS.items():
        tile = await page.tile(label)
        expect_shown(tile, of(everything))
    slices = {str(it["value"]): it for it in await quality(url, window_label, dimension)}
    table = await page.table()
    assert set(table) == set(slices)
    for value, cells in table.items():
        for label, of in COLUMNS.items():
            expect_shown(cells[label], of(slices[value]))
