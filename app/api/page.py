"""The live page: ``/`` and its files under ``/assets/``."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.errors import NOT_FOUND, ApiError
from app.api.page_files import PageFile, page_files
from app.api.routes import labelled

PAGE = "/"
ASSETS = "/assets/{name:path}"
INDEX = "index.html"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    # Kept, and asked for every time: an upgrade of the API must never mix old files with new.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageEndpoints:
    """Serves the page. It holds no figure, so it needs no key; its stream does."""

    def __init__(self) -> None:
        self._files = page_files()

    def routes(self) -> list[Route]:
        """The routes of the page; all files are one route, and so one metric label."""
        table = ((PAGE, self.page), (ASSETS, self.asset))
        return [Route(path, labelled(path, do), methods=["GET"]) for path, do in table]

    async def page(self, request: Request) -> Response:
        """``GET /``."""
        return _answer(request.headers, self._files[INDEX])

    async def asset(self, request: Request) -> Response:
        """``GET /assets/<name>``."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise ApiError(404, NOT_FOUND, f"there is no {request.url.path}")
        return _answer(request.headers, found)


def _answer(headers: Headers, file: PageFile) -> Response:
    answer_headers = {**_HEADERS, "ETag": file.etag}
    if file.etag in _tags(headers.get("if-none-match", "")):
        return Response(status_code=304, headers=answer_headers)
    answer_headers["Content-Type"] = file.content_type
    if _takes_gzip(headers.get("accept-encoding", "")):
        answer_headers["Content-Encoding"] = "gzip"
        return Response(file.zipped, headers=answer_headers)
    return Response(file.content, headers=answer_headers)


def _tags(if_none_match: str) -> list[str]:
    return [tag.strip() for tag in if_none_match.split(",")]


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether it names gzip, and does not refuse it with a weight of 0."""
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
