"""Cross-origin requests of browsers: which are allowed, and how a refused preflight is answered."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.errors import FORBIDDEN, ApiError
from app.api.responses import error_body, json_response, request_id_of

_PREFLIGHT_SECONDS = 86_400
_METHODS = ("GET", "POST")
_REQUEST_HEADERS = ("Authorization", "X-API-Key", "Content-Type", "Content-Encoding")
_RESPONSE_HEADERS = (
    "X-Request-Id",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)


class Cors:
    """Answers preflights, and tells browsers which origins may read an answer.

    Args:
        origins: those allowed, ``https://app.example.com``; ``*`` stands for all.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._rules = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
            max_age=_PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_preflight(scope["method"], Headers(scope=scope)):
            answer = self._answer_preflight(Request(scope))
            await answer(scope, receive, send)
        else:
            await self._rules(scope, receive, send)

    def _answer_preflight(self, request: Request) -> Response:
        verdict = self._rules.preflight_response(request.headers)
        if verdict.status_code < 400:
            return verdict
        refusal = ApiError(
            403,
            FORBIDDEN,
            f"{bytes(verdict.body).decode()}; allowed are the origins in PLAYVITALS_CORS_ORIGINS, "
            f"the methods {', '.join(_METHODS)} and the headers {', '.join(_REQUEST_HEADERS)}",
        )
        # Those that tell what is allowed stay; the others describe the body that is not sent.
        headers = {
            name: text
            for name, text in verdict.headers.items()
            if name == "vary" or name.startswith("access-control-")
        }
        body = error_body(refusal, request_id_of(request))
        return json_response(body, refusal.status, headers)


def _is_preflight(method: str, headers: Headers) -> bool:
    return (
        method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
    )
