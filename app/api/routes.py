"""The endpoints."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.admission import Admission
from app.api.body import read_body
from app.api.docs_page import DOCS_PAGE
from app.api.errors import INTERNAL_ERROR, VALIDATION_ERROR, ApiError, unavailable
from app.api.ingest import CATALOGUE_UNREAD, Ingest, Taken
from app.api.keys import Scope
from app.api.metrics import RECEIVED, UNAVAILABLE, ApiMetrics
from app.api.openapi import openapi_document
from app.api.parsing import read_batch, read_single
from app.api.responses import data_response, json_response, request_id_of, validation_error
from app.settings import Settings

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


class Readiness(Protocol):
    """Whether events can be taken right now."""

    async def __call__(self) -> bool: ...


class Endpoints:
    """The handlers of the API, with what they share."""

    def __init__(
        self,
        settings: Settings,
        ingest: Ingest,
        metrics: ApiMetrics,
        admission: Admission,
        is_ready: Readiness,
    ) -> None:
        self._settings = settings
        self._ingest = ingest
        self._metrics = metrics
        self._admission = admission
        self._is_ready = is_ready
        self._openapi = openapi_document(settings)

    def routes(self) -> list[Route]:
        """Every path of the API; its own path is a route's metric label."""
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/v1/events", self.post_event),
            ("POST", "/v1/events/batch", self.post_batch),
            ("GET", "/healthz", self.healthz),
            ("GET", "/readyz", self.readyz),
            ("GET", "/metrics", self.metrics),
            ("GET", "/openapi.json", self.openapi),
            ("GET", "/docs", self.docs),
        ]
        return [Route(path, labelled(path, do), methods=[method]) for method, path, do in table]

    async def post_event(self, request: Request) -> Response:
        """``POST /v1/events``."""
        self._admission.admit(request, Scope.SEND)
        body = read_single(await read_body(request, self._settings.max_body_bytes))
        taken = await self._take(request, [body], None)
        if taken.refusals:
            raise validation_error(taken.refusals[0][1].faults)
        return data_response(request, {"received": True, "eventId": taken.event_ids[0]})

    async def post_batch(self, request: Request) -> Response:
        """``POST /v1/events/batch``."""
        self._admission.admit(request, Scope.SEND)
        body = await read_body(request, self._settings.max_body_bytes)
        events, sent_at = read_batch(body, self._settings.max_batch_events)
        taken = await self._take(request, events, sent_at)
        errors = [
            {
                "index": index,
                "code": VALIDATION_ERROR,
                "field": refusal.faults[0].field,
                "message": refusal.faults[0].message,
            }
            for index, refusal in taken.refusals
        ]
        return data_response(
            request,
            {"received": len(taken.event_ids), "failed": len(errors), "errors": errors},
        )

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

    async def _take(self, request: Request, events: list[bytes], sent_at: str | None) -> Taken:
        try:
            taken = await self._ingest.take(events, sent_at)
        except ApiError:
            self._metrics.add_events(UNAVAILABLE, len(events))
            raise
        self._metrics.add_events(RECEIVED, len(taken.event_ids))
        self._metrics.add_refused(refusal.reason for _, refusal in taken.refusals)
        return taken


def labelled(path: str, endpoint: Endpoint) -> Endpoint:
    """Name the route for the metrics, and turn a bug into an answer: the process goes on."""

    async def handle(request: Request) -> Response:
        request.scope["playvitals.route"] = path
        try:
            return await endpoint(request)
        except ApiError:
            raise
        except Exception:
            request_id = request_id_of(request)
            log.exception("Request %s failed", request_id)
            raise ApiError(
                500, INTERNAL_ERROR, f"this is a bug of playvitals; report it with {request_id}"
            ) from None

    return handle
