"""Whether everybody can use the live page, as far as a program can tell."""

from axe_playwright_python.async_playwright import Axe

from tests.support.chromium import LivePage

SERIOUS = ("serious", "critical")


async def expect_nothing_serious(page: LivePage) -> None:
    """axe-core finds no serious or critical violation on the page as it is now."""
    found = await Axe().run(page.page)
    serious = [
        (it["id"], [node["html"] for node in it["nodes"]])
        for it in found.response["violations"]
        if it["impact"] in SERIOUS
    ]
    assert serious == []
    assert len(found.response["passes"]) > 10
