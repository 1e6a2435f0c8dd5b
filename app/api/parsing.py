"""From a request's body to the JSON texts of its events."""

import json
from typing import Any

import msgspec

from app.api.errors import invalid_request
from models.timestamps import parse_timestamp_ms

_NOT_STRICT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Batch(msgspec.Struct, rename="camel"):
    """The envelope of ``POST /v1/events/batch``."""

    events: list[msgspec.Raw]
    sent_at: str | None = None


_decode_batch = msgspec.json.Decoder(Batch).decode
_decode_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_single(body: bytes) -> bytes:
    """The event in the body of ``POST /v1/events``: a JSON object, otherwise unchecked.

    Raises:
        ApiError: 400, the body is no JSON object.
    """
    try:
        _decode_raw_object(body)
        if not body.isascii():
            body.decode()
    except _NOT_STRICT:
        fields = _parse_leniently(body)
        if not isinstance(fields, dict):
            raise invalid_request(
                "expected one event as a JSON object; several go to /v1/events/batch"
            ) from None
    return body


def read_batch(body: bytes, max_events: int) -> tuple[list[bytes], str | None]:
    """The events in the body of ``POST /v1/events/batch`` and its ``sentAt``.

    An event that holds NaN or infinity, which is no JSON, still reaches validation alone, so that
    it cannot take the other events down with it.

    Raises:
        ApiError: 400, the envelope is not ``{"events": […]}`` with 1 to ``max_events`` of them.
    """
    try:
        batch = _decode_batch(body)
        if not body.isascii():
            body.decode()
        events, sent_at = [bytes(raw) for raw in batch.events], batch.sent_at
    except _NOT_STRICT:
        events, sent_at = _read_leniently(body)
    if not 1 <= len(events) <= max_events:
        raise invalid_request(f"expected 1 to {max_events} events in one batch, got {len(events)}")
    if sent_at is not None and parse_timestamp_ms(sent_at) is None:
        raise invalid_request("sentAt: expected an ISO 8601 date and time")
    return events, sent_at


def _read_leniently(body: bytes) -> tuple[list[bytes], str | None]:
    envelope = _parse_leniently(body)
    if not isinstance(envelope, dict) or not isinstance(envelope.get("events"), list):
        raise invalid_request('expected {"events": […]} with 1 or more events')
    sent_at = envelope.get("sentAt")
    if sent_at is not None and not isinstance(sent_at, str):
        raise invalid_request("sentAt: expected an ISO 8601 date and time")
    return [json.dumps(event).encode() for event in envelope["events"]], sent_at


def _parse_leniently(body: bytes) -> Any:
    """JSON with NaN and infinity.

    Raises:
        ApiError: 400, it is not even that.
    """
    try:
        return json.loads(body.decode())
    except UnicodeDecodeError as error:
        raise invalid_request(
            f"the body is not UTF-8: {error.reason} at byte {error.start}"
        ) from None
    except RecursionError:
        raise invalid_request("the body is nested too deeply") from None
    except ValueError as error:
        raise invalid_request(f"the body is not JSON: {error}") from None
