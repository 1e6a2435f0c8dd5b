"""From a request's body to the JSON texts of its events."""

import json
from typing import Any

import msgspec

from app.api.errors import ApiError, invalid_request
from app.api.lenient import NotAnEnvelopeError, cut_batch
from models.timestamps import parse_timestamp_ms

_NOT_STRICT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOT_JSON = (ValueError, RecursionError)


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

    An event that holds NaN or infinity, which is no JSON, or is nested too deeply, still reaches
    validation alone, so that it cannot take the other events down with it.

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
    text = _text_of(body)
    try:
        events, sent_at_text = cut_batch(text)
        sent_at = None if sent_at_text == "null" else json.loads(sent_at_text)
    except NotAnEnvelopeError:
        raise invalid_request('expected {"events": […]} with 1 or more events') from None
    except _NOT_JSON as error:
        raise _not_json(error) from None
    if sent_at is not None and not isinstance(sent_at, str):
        raise invalid_request("sentAt: expected an ISO 8601 date and time")
    return [event.encode() for event in events], sent_at


def _parse_leniently(body: bytes) -> Any:
    """JSON with NaN and infinity.

    Raises:
        ApiError: 400, it is not even that.
    """
    try:
        # Integers as floats, so that their number of digits is no error here.
        return json.loads(_text_of(body), parse_int=float)
    except _NOT_JSON as error:
        raise _not_json(error) from None


def _text_of(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise invalid_request(
            f"the body is not UTF-8: {error.reason} at byte {error.start}"
        ) from None


def _not_json(error: Exception) -> ApiError:
    if isinstance(error, RecursionError):
        return invalid_request("the body is nested too deeply")
    return invalid_request(f"the body is not JSON: {error}")
