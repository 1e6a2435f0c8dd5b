"""The two endpoints that take events, straight on ASGI: nothing is built that an event can spare.

They are routes like the others, for every question about paths and methods. :class:`Shortcut` takes
their requests past the router.
"""

from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import keys
from app.api.admission import Admission
from app.api.body import headers_of, read_body
from app.api.errors import VALIDATION_ERROR, ApiError, bug
from app.api.ingest import Ingest, Taken
from app.api.metrics import EVENTS_ROUTES, RECEIVED, UNAVAILABLE, ApiMetrics
from app.api.parsing import read_batch, read_single
from app.api.responses import error_body, validation_error
from app.settings import Settings

Take = Callable[[Scope, Receive], Awaitable[bytes]]
"""Reads a request and returns the JSON of its answer, or raises ApiError."""


class Shortcut:
    """Leads ``POST`` to one of these paths past the router.

    Args:
        app: takes everything else.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            endpoint = self._endpoints.get(scope["path"], self._app)
            await endpoint(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class EventEndpoints:
    """The handlers of events, with what they share."""

    def __init__(
        self, settings: Settings, ingest: Ingest, metrics: ApiMetrics, admission: Admission
    ) -> None:
        self._max_body_bytes = settings.max_body_bytes
        self._max_batch_events = settings.max_batch_events
        self._ingest = ingest
        self._metrics = metrics
        self._admission = admission
        single, batch = EVENTS_ROUTES
        self.by_path = {
            single: _Endpoint(single, self.post_event),
            batch: _Endpoint(batch, self.post_batch),
        }

    def routes(self) -> list[Route]:
        """The routes of the endpoints."""
        return [Route(path, app, methods=["POST"]) for path, app in self.by_path.items()]

    async def post_event(self, scope: Scope, receive: Receive) -> bytes:
        """``POST /v1/events``."""
        body = read_single(await self._admit(scope, receive))
        taken = await self._take([body], None)
        if taken.refusals:
            raise validation_error(taken.refusals[0][1].faults)
        return _data(scope, orjson.dumps({"received": True, "eventId": taken.event_ids[0]}))

    async def post_batch(self, scope: Scope, receive: Receive) -> bytes:
        """``POST /v1/events/batch``."""
        body = await self._admit(scope, receive)
        events, sent_at = read_batch(body, self._max_batch_events)
        taken = await self._take(events, sent_at)
        errors = [
            {
                "index": index,
                "code": VALIDATION_ERROR,
                "field": refusal.faults[0].field,
                "message": refusal.faults[0].message,
            }
            for index, refusal in taken.refusals
        ]
        return _data(
            scope,
            b'{"received":%d,"failed":%d,"errors":%b}'
            % (len(taken.event_ids), len(errors), orjson.dumps(errors)),
        )

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request that may send events."""
        headers = headers_of(scope["headers"])
        authorization = headers.get(b"authorization")
        x_api_key = headers.get(b"x-api-key")
        self._admission.admit_key(
            scope,
            None if authorization is None else authorization.decode("latin-1"),
            None if x_api_key is None else x_api_key.decode("latin-1"),
            keys.Scope.SEND,
        )
        return await read_body(headers, receive, self._max_body_bytes)

    async def _take(self, events: list[bytes], sent_at: str | None) -> Taken:
        try:
            taken = await self._ingest.take(events, sent_at)
        except ApiError:
            self._metrics.add_events(UNAVAILABLE, len(events))
            raise
        self._metrics.add_events(RECEIVED, len(taken.event_ids))
        self._metrics.add_refused(refusal.reason for _, refusal in taken.refusals)
        return taken


class _Endpoint:
    """One path as an ASGI app. A bug becomes an answer: the process goes on."""

    def __init__(self, path: str, take: Take) -> None:
        self._path = path
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["playvitals.route"] = self._path
        status = 200
        more: list[tuple[bytes, bytes]] = []
        try:
            body = await self._take(scope, receive)
        except Exception as error:
            status, body, more = _refused(error, scope["playvitals.request_id"])
        headers = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _refused(error: Exception, request_id: str) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Status, body and headers of the answer to a request that failed.

    Whoever caught the error must not keep it: its traceback holds on to the catcher's own variables
    and to the request's body, a circle that only the garbage collector would find.
    """
    refusal = error if isinstance(error, ApiError) else bug(request_id)
    headers = [(name.lower().encode(), text.encode()) for name, text in refusal.headers.items()]
    return refusal.status, orjson.dumps(error_body(refusal, request_id)), headers


def _data(scope: Scope, data: bytes) -> bytes:
    """``{"data": …, "meta": {"requestId": …}}``."""
    request_id: str = scope["playvitals.request_id"]
    return b'{"data":%b,"meta":{"requestId":"%b"}}' % (data, request_id.encode())
