"""The JSON envelopes of every answer."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.api.errors import VALIDATION_ERROR, ApiError
from models.verdicts import Fault


def request_id_of(request: Request) -> str:
    """The id that the edge gave this request."""
    request_id: str = request.scope["playvitals.request_id"]
    return request_id


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """``content`` as JSON."""
    return Response(orjson.dumps(content), status, headers=headers, media_type="application/json")


def error_body(error: ApiError, request_id: str) -> dict[str, Any]:
    """``{"error": {"code", "message", "details"}, "meta": {"requestId"}}``."""
    return {
        "error": {"code": error.code, "message": error.message, "details": error.details},
        "meta": {"requestId": request_id},
    }


def validation_error(faults: tuple[Fault, ...]) -> ApiError:
    """Everything that was wrong with a single event."""
    errors = [{"field": f.field, "reason": f.reason, "message": f.message} for f in faults]
    return ApiError(400, VALIDATION_ERROR, faults[0].message, {"errors": errors})
