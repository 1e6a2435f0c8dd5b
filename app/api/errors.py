"""The refusals of the HTTP API: their status, code and message."""

import logging
from collections.abc import Mapping
from typing import Any

INVALID_REQUEST = "INVALID_REQUEST"
VALIDATION_ERROR = "VALIDATION_ERROR"
UNAUTHORIZED = "UNAUTHORIZED"
FORBIDDEN = "FORBIDDEN"
ENVIRONMENT_MISMATCH = "ENVIRONMENT_MISMATCH"
NOT_FOUND = "NOT_FOUND"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
RATE_LIMITED = "RATE_LIMITED"
SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
INTERNAL_ERROR = "INTERNAL_ERROR"

RETRY_AFTER_SECONDS = 2

log = logging.getLogger(__name__)


class ApiError(Exception):
    """A request that is refused as a whole."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def invalid_request(message: str) -> ApiError:
    """Not JSON, or not the envelope that the endpoint takes."""
    return ApiError(400, INVALID_REQUEST, message)


def unavailable(message: str) -> ApiError:
    """The broker did not take it; the whole request may be sent again."""
    return ApiError(
        503, SERVICE_UNAVAILABLE, message, headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
    )


def bug(request_id: str) -> ApiError:
    """What a request that failed for no known reason is told; the exception goes to the log."""
    log.exception("Request %s failed", request_id)
    return ApiError(
        500, INTERNAL_ERROR, f"this is a bug of playvitals; report it with {request_id}"
    )
