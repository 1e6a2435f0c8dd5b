"""The endpoints of the live figures in the OpenAPI document."""

from typing import Any

import msgspec

from app.api.selection import Selections
from app.settings import Settings
from models.dimensions import ALL
from models.windows import WindowRecord

_REF = "#/components/schemas/"
_NAMES = "#/components/responses/"
_REFUSALS = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "403": "Forbidden",
    "405": "MethodNotAllowed",
    "429": "RateLimited",
    "503": "ServiceUnavailable",
}


def live_schemas() -> dict[str, Any]:
    """The shapes of the answers."""
    _, components = msgspec.json.schema_components([WindowRecord], ref_template=_REF + "{name}")
    clock = {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "server time that the figures have reached; null before the first event",
    }
    meta = {"requestId": {"type": "string", "pattern": "^req_"}, "clock": clock}
    return {
        **components,
        "Quality": _object(
            {
                "data": {"type": "array", "items": {"$ref": _REF + "WindowRecord"}},
                "meta": _object(meta),
            }
        ),
    }


def live_paths(settings: Settings) -> dict[str, Any]:
    """``/v1/quality`` and ``/live/stream``."""
    return {
        "/v1/quality": {
            "get": {
                "operationId": "getQuality",
                "summary": "The rolling figures of one window, by one dimension",
                "description": (
                    "The newest records of the topic `windows`, the heaviest slices by plays "
                    "first. Needs a secret key. 503 where the broker did not answer for ten "
                    "seconds: better no figures than old ones."
                ),
                "parameters": _parameters(settings),
                "responses": {
                    "200": {
                        "description": "The slices; a ratio whose denominator is 0 is null",
                        "content": {"application/json": {"schema": {"$ref": _REF + "Quality"}}},
                    },
                    **_refusals(),
                },
            }
        },
        "/live/stream": {
            "get": {
                "operationId": "getLiveStream",
                "summary": "What the live page shows, as server-sent events",
                "description": (
                    "Needs a secret key, unless the API listens on a loopback address and the "
                    "request is for one. Made for the page of the same version: its messages may "
                    "change."
                ),
                "parameters": _parameters(settings),
                "responses": {
                    "200": {
                        "description": "Events until the client leaves",
                        "content": {"text/event-stream": {"schema": {"type": "string"}}},
                    },
                    **_refusals(),
                },
            }
        },
    }


def _parameters(settings: Settings) -> list[dict[str, Any]]:
    default = Selections(settings).default
    known = {
        "window": ([window.label for window in settings.windows], default.window),
        "dimension": ([ALL, *settings.dimensions], default.dimension),
    }
    return [
        {
            "name": name,
            "in": "query",
            "schema": {"type": "string", "enum": values, "default": preferred},
        }
        for name, (values, preferred) in known.items()
    ]


def _refusals() -> dict[str, Any]:
    return {status: {"$ref": _NAMES + name} for status, name in _REFUSALS.items()}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}
