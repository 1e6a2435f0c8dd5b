"""The API as an OpenAPI 3.1 document, its event schemas taken from the typed messages."""

from importlib.metadata import version
from typing import Any

import msgspec

from app.api.openapi_live import live_paths, live_schemas
from app.settings import Settings
from models.events import CustomEvent, KnownEvent
from models.names import EVENT_NAME
from models.verdicts import REASONS

_JSON = "application/json"
_REF = "#/components/schemas/"
_NAMES = "#/components/responses/"

_EXAMPLE = {
    "event": "playStart",
    "contentId": "clip-42",
    "sessionId": "s-1f0c",
    "eventId": "e-0001",
    "timestamp": "2026-01-02T03:04:05.678Z",
    "platform": "android",
    "data": {"startupTime": 412, "rendition": "720p", "codec": "av1", "autoplay": True},
}

_REFUSALS = {
    "400": (
        "BadRequest",
        "Not JSON, the wrong envelope, or an event that breaks a rule",
        ["INVALID_REQUEST", "VALIDATION_ERROR"],
    ),
    "401": (
        "Unauthorized",
        "No API key, or one that is not known",
        ["UNAUTHORIZED", "KEY_REVOKED", "KEY_EXPIRED"],
    ),
    "403": (
        "Forbidden",
        "The key may not do this, or is of the other environment",
        ["FORBIDDEN", "ENVIRONMENT_MISMATCH"],
    ),
    "404": ("NotFound", "No such path", ["NOT_FOUND"]),
    "405": ("MethodNotAllowed", "No such method on this path", ["METHOD_NOT_ALLOWED"]),
    "413": (
        "PayloadTooLarge",
        "The body is too large, before or after decompression",
        ["PAYLOAD_TOO_LARGE"],
    ),
    "415": (
        "UnsupportedMediaType",
        "Another content type or encoding than is taken",
        ["UNSUPPORTED_MEDIA_TYPE"],
    ),
    "429": (
        "RateLimited",
        "Too many requests with this key; wait for Retry-After seconds",
        ["RATE_LIMITED"],
    ),
    "503": (
        "ServiceUnavailable",
        "The broker did not do its part: an event was not acknowledged, or the figures are not "
        "current; send the whole request again after Retry-After seconds",
        ["SERVICE_UNAVAILABLE"],
    ),
}


def openapi_document(settings: Settings) -> dict[str, Any]:
    """The document; its limits are those of ``settings``."""
    schemas = {**_schemas(settings), **live_schemas()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "playvitals events API",
            "version": version("playvitals"),
            "description": (
                "Takes playback events, and tells how playback does. `received` means durable: "
                "the answer is sent once the broker has acknowledged with acks=all. Sending an "
                "event again is safe where it has an `eventId` or a `timestamp`: it is counted "
                "once."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": {
            "/v1/events": {"post": _post_event()},
            "/v1/events/batch": {"post": _post_batch()},
            **live_paths(settings),
            "/healthz": {"get": _plain("healthz", "Whether the process is up")},
            "/readyz": {
                "get": _plain("readyz", "Whether events can be taken right now", can_be_away=True)
            },
            "/metrics": {"get": _plain("metrics", "Metrics of this process for Prometheus")},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "responses": {
                name: _refusal(description, codes, status)
                for status, (name, description, codes) in _REFUSALS.items()
            },
            "schemas": schemas,
        },
    }


def _schemas(settings: Settings) -> dict[str, Any]:
    _, components = msgspec.json.schema_components(
        [KnownEvent, CustomEvent], ref_template=_REF + "{name}"
    )
    components["CustomEvent"]["properties"]["event"]["pattern"] = f"^{EVENT_NAME.pattern}$"
    names = [name for name in components if not name.endswith("Data")]
    text = {"type": "string"}
    count = {"type": "integer", "minimum": 0}
    fault = {"field": text, "reason": {"type": "string", "enum": list(REASONS)}, "message": text}
    refused = {"index": count, "code": text, "field": text, "message": text}
    return {
        **components,
        "Event": {"anyOf": [{"$ref": _REF + name} for name in names]},
        "Batch": _object(
            {
                "events": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": settings.max_batch_events,
                    "items": {"$ref": _REF + "Event"},
                },
                "sentAt": {
                    "type": "string",
                    "format": "date-time",
                    "description": "the client's clock when it sent the batch",
                },
            },
            required=["events"],
        ),
        "Meta": _object({"requestId": {"type": "string", "pattern": "^req_"}}),
        "Received": _envelope({"received": {"const": True}, "eventId": text}),
        "BatchReceived": _envelope(
            {
                "received": count,
                "failed": count,
                "errors": {"type": "array", "items": _object(refused)},
            }
        ),
        "Fault": _object(fault),
        "Error": _object(
            {
                "error": _object(
                    {
                        "code": text,
                        "message": text,
                        "details": {
                            "type": "object",
                            "properties": {
                                "errors": {"type": "array", "items": {"$ref": _REF + "Fault"}}
                            },
                        },
                    }
                ),
                "meta": {"$ref": _REF + "Meta"},
            }
        ),
    }


def _post_event() -> dict[str, Any]:
    return {
        "operationId": "postEvent",
        "summary": "Send one event",
        "requestBody": _body("Event", _EXAMPLE),
        "responses": _responses("Received", "The event is durable"),
    }


def _post_batch() -> dict[str, Any]:
    return {
        "operationId": "postEvents",
        "summary": "Send up to a batch of events",
        "description": (
            "An event that is refused never affects the others: it is listed in `errors`, and "
            "the answer is 200."
        ),
        "requestBody": _body("Batch", {"events": [_EXAMPLE], "sentAt": _EXAMPLE["timestamp"]}),
        "responses": _responses("BatchReceived", "What became of each event"),
    }


def _plain(operation: str, summary: str, *, can_be_away: bool = False) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": summary}}
    if can_be_away:
        responses["503"] = {"$ref": _NAMES + "ServiceUnavailable"}
    return {"operationId": operation, "summary": summary, "security": [], "responses": responses}


def _body(schema: str, example: Any) -> dict[str, Any]:
    return {
        "required": True,
        "content": {_JSON: {"schema": {"$ref": _REF + schema}, "example": example}},
    }


def _responses(schema: str, description: str) -> dict[str, Any]:
    return {
        "200": {
            "description": description,
            "headers": _headers(),
            "content": {_JSON: {"schema": {"$ref": _REF + schema}}},
        },
        **{status: {"$ref": _NAMES + name} for status, (name, _, _) in _REFUSALS.items()},
    }


def _refusal(description: str, codes: list[str], status: str) -> dict[str, Any]:
    headers = _headers()
    if status in ("429", "503"):
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "seconds"}
    return {
        "description": f"{description}. Codes: {', '.join(codes)}",
        "headers": headers,
        "content": {
            _JSON: {
                "schema": {"$ref": _REF + "Error"},
                "example": {
                    "error": {"code": codes[0], "message": description, "details": {}},
                    "meta": {"requestId": "req_0123456789abcdef01234567"},
                },
            }
        },
    }


def _headers() -> dict[str, Any]:
    integer = {"schema": {"type": "integer"}}
    return {
        "X-Request-Id": {"schema": {"type": "string"}, "description": "also in meta.requestId"},
        "X-RateLimit-Limit": {**integer, "description": "requests per minute and key"},
        "X-RateLimit-Remaining": {**integer, "description": "requests left in this minute"},
        "X-RateLimit-Reset": {**integer, "description": "seconds until the next minute begins"},
    }


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return _object({"data": _object(data), "meta": {"$ref": _REF + "Meta"}})
