"""What every request passes on its way in and out: id, rate-limit headers, metrics, last resort."""

import logging
import time
from secrets import token_hex

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import INTERNAL_ERROR, ApiError
from app.api.metrics import ApiMetrics
from app.api.rate_limit import Allowance, RateLimit
from app.api.responses import error_body

log = logging.getLogger(__name__)


class Edge:
    """The outermost ASGI layer.

    Whatever goes wrong inside is answered with a JSON envelope and logged; the process goes on.
    """

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, limit: RateLimit) -> None:
        self._app = app
        self._metrics = metrics
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = f"req_{token_hex(12)}"
        scope["playvitals.request_id"] = request_id
        scope["playvitals.allowance"] = self._limit.peek()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                allowance: Allowance = scope["playvitals.allowance"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    *allowance.headers(),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("Request %s failed", request_id)
            if not status:
                await _send_internal_error(send_with_headers, request_id)
        finally:
            route = scope.get("playvitals.route", "unmatched")
            self._metrics.observe_request(route, status, time.perf_counter() - started)


async def _send_internal_error(send: Send, request_id: str) -> None:
    error = ApiError(
        500, INTERNAL_ERROR, f"this is a bug of playvitals; report it with {request_id}"
    )
    await send(
        {
            "type": "http.response.start",
            "status": error.status,
            "headers": [(b"content-type", b"application/json")],
        }
    )
    await send({"type": "http.response.body", "body": orjson.dumps(error_body(error, request_id))})
