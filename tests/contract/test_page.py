"""The live page as files over HTTP: types, caching, and what a browser is told to forbid."""

import gzip
import re

import httpx
import pytest

from app.api.page_files import page_files

SCRIPTS = sorted(name for name in page_files() if name.endswith(".js"))


async def test_page_needs_no_key_and_forbids_everything_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    del client.headers["Authorization"]
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_page_has_no_inline_script_or_style_and_links_the_documentation(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/")).text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)
    assert 'href="/docs"' in page
    assert "//" not in re.sub(r'"http://www.w3.org/[^"]*"', "", page).replace("<!--", "")


async def test_every_file_that_is_named_somewhere_is_served(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    paths = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page))
    for script in SCRIPTS:
        text = (await client.get(f"/assets/{script}")).text
        for name in re.findall(r'^(?:import|export)[^"]*? from "\./([^"]+)";', text, re.MULTILINE):
            paths.add(f"/assets/{name}")
    assert "/assets/main.js" in paths
    for path in paths:
        assert (await client.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("vendor/uPlot.esm.js", "text/javascript; charset=utf-8"),
        ("vendor/uPlot.LICENSE", "text/plain; charset=utf-8"),
    ],
)
async def test_file_is_of_its_type(client: httpx.AsyncClient, name: str, content_type: str) -> None:
    answer = await client.get(f"/assets/{name}")
    assert answer.headers["content-type"] == content_type
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_browser_that_has_a_file_is_told_so(client: httpx.AsyncClient) -> None:
    first = await client.get("/assets/main.js")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    again = await client.get("/assets/main.js", headers={"If-None-Match": f'"old", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await client.get("/assets/page.css", headers={"If-None-Match": tag})
    assert other.status_code == 200


async def test_gzip_only_for_those_who_take_it(client: httpx.AsyncClient) -> None:
    content = page_files()["vendor/uPlot.esm.js"].content
    for accepted, encoding in (
        ("gzip, br", "gzip"),
        ("br;q=1, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
    ):
        async with client.stream(
            "GET", "/assets/vendor/uPlot.esm.js", headers={"Accept-Encoding": accepted}
        ) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert answer.headers.get("content-encoding") == encoding, accepted
        assert "Accept-Encoding" in answer.headers["vary"]
        assert int(answer.headers["content-length"]) == len(raw)
        assert (gzip.decompress(raw) if encoding else raw) == content


@pytest.mark.parametrize(
    "name", ["nothing.js", "", "../page.py", "%2e%2e/page.py", "vendor", "vendor/", "/etc/passwd"]
)
async def test_anything_else_is_not_found(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/assets/{name}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_files_are_one_route_in_the_metrics(client: httpx.AsyncClient) -> None:
    for name in ("main.js", "nothing.js"):
        await client.get(f"/assets/{name}")
    text = (await client.get("/metrics")).text
    assert 'route="/assets/{name:path}",status="200"} 1.0' in text
    assert 'route="/assets/{name:path}",status="404"} 1.0' in text
