"""The endpoints that tell about the API itself."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.docs_page import DOCS_PAGE
from app.api.errors import ApiError, bug, unavailable
from app.api.ingest import CATALOGUE_UNREAD, Ingest
from app.api.metrics import ApiMetrics
from app.api.openapi import openapi_document
from app.api.responses import json_response, request_id_of
from app.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]


class Readiness(Protocol):
    """Whether events can be taken right now."""

    async def __call__(self) -> bool: ...


class Endpoints:
    """Their handlers, with what they share."""

    def __init__(
        self,
        settings: Settings,
        ingest: Ingest,
        metrics: ApiMetrics,
        is_ready: Readiness,
    ) -> None:
        self._ingest = ingest
        self._metrics = metrics
        self._is_ready = is_ready
        self._openapi = openapi_document(settings)

    def routes(self) -> list[Route]:
        """Their paths; its own path is a route's metric label."""
        table: list[tuple[str, Endpoint]] = [
            ("/healthz", self.healthz),
            ("/readyz", self.readyz),
            ("/metrics", self.metrics),
            ("/openapi.json", self.openapi),
            ("/docs", self.docs),
        ]
        return [Route(path, labelled(path, do), methods=["GET"]) for path, do in table]

    async def healthz(self, _: Request) -> Response:
        """The process is up."""
        return json_response({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """The broker is reachable and has the raw topic; the content catalogue is read."""
        if not await self._is_ready():
            raise unavailable("the broker, or the raw topic on it, cannot be reached")
        if not self._ingest.can_judge:
            raise unavailable(CATALOGUE_UNREAD)
        return json_response({"status": "ready"})

    async def metrics(self, _: Request) -> Response:
        """The metrics of this process."""
        return Response(
            generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4
        )

    async def openapi(self, _: Request) -> Response:
        """The API as an OpenAPI document."""
        return json_response(self._openapi)

    async def docs(self, _: Request) -> Response:
        """The API as a page to read."""
        return Response(DOCS_PAGE, media_type="text/html; charset=utf-8")


def labelled(path: str, endpoint: Endpoint) -> Endpoint:
    """Name the route for the metrics, and turn a bug into an answer: the process goes on."""

    async def handle(request: Request) -> Response:
        request.scope["playvitals.route"] = path
        try:
            return await endpoint(request)
        except ApiError:
            raise
        except Exception:
            raise bug(request_id_of(request)) from None

    return handle
