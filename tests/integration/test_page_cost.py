"""What the live page costs who looks at it, beside a demo."""

import pytest

from tests.support.chromium import NAMES, chromium_path
from tools.page_cost import measure

pytestmark = [
    pytest.mark.integration,
    pytest.mark.acceptance,
    pytest.mark.skipif(chromium_path() is None, reason=f"none of {', '.join(NAMES)} is there"),
]


async def test_page_is_painted_within_half_a_second_and_takes_under_a_twentieth_of_a_core() -> None:
    cost = await measure()
    assert cost.is_within_limits, cost
