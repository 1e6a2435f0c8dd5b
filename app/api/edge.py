"""What every request passes on its way in and out: its id, rate-limit headers, metrics."""

import time
from random import getrandbits

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.metrics import ApiMetrics
from app.api.rate_limit import Allowance, RateLimit

# An id tells requests apart and opens nothing: it need not be unguessable, for which the system
# would have to be asked each time.
_ID_BITS = 96


class Edge:
    """The outermost ASGI layer."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, limit: RateLimit) -> None:
        self._app = app
        self._metrics = metrics
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = f"req_{getrandbits(_ID_BITS):024x}"
        scope["playvitals.request_id"] = request_id
        status = 0
        seconds: float | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status = message["status"]
                allowance: Allowance = scope.get("playvitals.allowance") or self._limit.peek()
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    *allowance.headers(),
                ]
                if "playvitals.endless" in scope:
                    # How long somebody looks at a page is no time to answer.
                    seconds = time.perf_counter() - started
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            route = scope.get("playvitals.route", "unmatched")
            if seconds is None:
                seconds = time.perf_counter() - started
            self._metrics.observe_request(route, status, seconds)
