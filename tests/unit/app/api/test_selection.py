"""The window and the dimension that a request asks for."""

import pytest

from app.api.errors import ApiError
from app.api.selection import Selections
from app.settings import load_settings


def selections(**environ: str) -> Selections:
    return Selections(load_settings({f"PLAYVITALS_{name}": v for name, v in environ.items()}))


@pytest.mark.parametrize(
    ("windows", "dimensions", "default"),
    [
        ("1m,5m,15m", "cdn,rendition", ("5m", "rendition")),
        ("15m,1m", "rendition", ("15m", "rendition")),
        ("10s", "cdn,codec", ("10s", "cdn")),
        ("10s", ",", ("10s", "all")),
    ],
)
def test_default_is_the_second_window_and_rendition_or_else_the_first(
    windows: str, dimensions: str, default: tuple[str, str]
) -> None:
    assert selections(WINDOWS=windows, DIMENSIONS=dimensions).read({}) == default


def test_parameters_choose() -> None:
    chosen = selections().read({"window": "1h", "dimension": "all", "else": "x"})
    assert chosen == ("1h", "all")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"window": "2h"}, "window: there is no '2h'; known are 1m, 5m, 15m, 1h"),
        ({"window": ""}, "window: there is no ''; known are 1m, 5m, 15m, 1h"),
        ({"dimension": "contentId"}, "dimension: there is no 'contentId'; known are all, cdn"),
    ],
)
def test_unknown_ones_are_refused_with_those_that_are_known(
    query: dict[str, str], message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        selections(DIMENSIONS="cdn").read(query)
    assert (caught.value.status, caught.value.code) == (400, "INVALID_REQUEST")
    assert caught.value.message == message
