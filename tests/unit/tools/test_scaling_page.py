from dataclasses import fields

import pytest

from bench.deployment import Inputs
from tools.scaling_page import PAGE, inputs_of, written


def test_the_page_says_what_follows_from_its_inputs() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "run python -m tools.scaling_page"


def test_another_input_gives_another_page() -> None:
    page = PAGE.read_text()
    figure = f"| `utilisation` | {inputs_of(page).utilisation} |"
    assert figure in page
    assert written(page.replace(figure, "| `utilisation` | 0.1 |")) not in (page, "")
    assert inputs_of(page.replace(figure, "| `utilisation` | 0.1 |")).utilisation == 0.1


@pytest.mark.parametrize("name", [field.name for field in fields(Inputs)])
def test_an_input_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        inputs_of(PAGE.read_text().replace(f"| `{name}` |", "| gone |"))


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="0 places"):
        written(PAGE.read_text().replace("<!-- end -->", ""))
