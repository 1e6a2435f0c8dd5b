"""What holds of every input: a verdict, the same one on both paths, and never an exception."""

import json
import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.catalogue import Catalogue
from models.events import partition_key
from models.explanation import explain
from models.timestamps import is_canonical, parse_timestamp_ms
from models.validation import read_event
from models.verdicts import REASONS, CheckedEvent, Refusal
from models.wire import accepted_form, derived_event_id, stored_form
from tests.unit.models.samples import (
    NOW_MS,
    encode,
    json_values,
    spoilt_events,
    valid_events,
)

_LIKE_A_NAME = re.compile('(?:^|") *:')
ATTRIBUTES = (
    *("kind", "event_id", "has_timestamp", "has_sent_at", "session_id", "device_id", "user_id"),
    *("content_id", "context", "data"),
)
RECEIVED_AT = "2026-01-02T03:04:06.000Z"
RECEIVED_MS = NOW_MS + 322

_sent_at = st.none() | st.sampled_from(["2026-01-02T01:00:00.000Z", "soon", ""])
_json = st.builds(
    json.dumps,
    spoilt_events()
    | json_values
    | st.fixed_dictionaries(
        {"event": st.just("like"), "contentId": st.just("a")}, optional={"x": json_values}
    ),
    ensure_ascii=st.booleans(),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]),
).map(lambda text: text.encode("utf-8", "surrogatepass"))


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """JSON of an event with a few bytes cut out and others put in."""
    raw = draw(_json)
    start = draw(st.integers(0, len(raw)))
    end = draw(st.integers(start, min(len(raw), start + 4)))
    tokens = st.sampled_from(
        [b"", b",", b'"', b"}", b"]", b"null", b"1e999", b"\\u", b"-", b"e", b"9" * 350, b"\x00"]
    )
    return raw[:start] + draw(tokens | st.binary(max_size=3)) + raw[end:]


def check_every_promise(raw: bytes, sent_at: str | None) -> None:
    """All that a verdict and what is written because of it must fulfil."""
    verdict = read_event(raw, NOW_MS, sent_at)
    explained = explain(raw, NOW_MS, sent_at)
    if isinstance(verdict, Refusal):
        assert verdict == explained
        assert verdict.faults
        assert {fault.reason for fault in verdict.faults} <= set(REASONS)
        json.dumps([fault.message for fault in verdict.faults], ensure_ascii=False).encode()
        return
    assert isinstance(explained, CheckedEvent)
    assert verdict.event == explained.event
    for name in ATTRIBUTES:
        assert getattr(verdict, name) == getattr(explained, name)
    assert verdict.key() == partition_key(explained.event)
    assert (verdict.timestamp_ms, verdict.adjusted) == (explained.timestamp_ms, explained.adjusted)
    check_accepted_form(raw, verdict)
    check_stored_form(raw, verdict, sent_at)


def check_accepted_form(raw: bytes, checked: CheckedEvent) -> None:
    event_id = checked.event.event_id or derived_event_id(raw)
    value = accepted_form(raw, checked, event_id, RECEIVED_MS)
    fields = json.loads(value, parse_constant=_no_constant, object_pairs_hook=_each_name_once)
    value.decode()
    assert fields["eventId"] == event_id
    assert fields["receivedAt"] == RECEIVED_AT
    assert fields["adjusted"] is checked.adjusted
    assert is_canonical(fields["timestamp"])
    assert parse_timestamp_ms(fields["timestamp"]) == checked.timestamp_ms
    # The final timestamp needs no second correction by the client's clock.
    again = read_event(encode({**fields, "sentAt": None}), NOW_MS)
    assert isinstance(again, CheckedEvent)
    assert (again.timestamp_ms, again.adjusted, again.normalised) == (
        checked.timestamp_ms,
        False,
        None,
    )
    for event in (again.event, checked.event):
        event.event_id = event.timestamp = event.sent_at = None
    assert again.event == checked.event


def check_stored_form(raw: bytes, before: CheckedEvent, sent_at: str | None) -> None:
    checked = read_event(raw, NOW_MS, sent_at)
    assert isinstance(checked, CheckedEvent)
    value, event_id = stored_form(raw, checked, NOW_MS, sent_at)
    again = read_event(value, NOW_MS)
    assert isinstance(again, CheckedEvent)
    assert again.event.event_id == event_id
    assert again.event.timestamp is not None
    assert (again.timestamp_ms, again.adjusted) == (before.timestamp_ms, before.adjusted)
    for event in (again.event, checked.event):
        event.event_id = event.timestamp = event.sent_at = None
    assert again.event == checked.event


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    assert len(fields) == len(pairs), pairs
    return fields


def _no_constant(literal: str) -> Any:
    raise AssertionError(f"{literal} is not JSON")


@given(_json, _sent_at)
def test_any_json_gets_the_same_verdict_on_both_paths(raw: bytes, sent_at: str | None) -> None:
    check_every_promise(raw, sent_at)


@given(_damaged(), _sent_at)
@settings(max_examples=200)
def test_damaged_json_gets_the_same_verdict_on_both_paths(raw: bytes, sent_at: str | None) -> None:
    check_every_promise(raw, sent_at)


@st.composite
def _repeating(draw: st.DrawFn) -> bytes:
    """JSON of a valid event in which some names stand twice, the earlier ones with other values."""
    fields = draw(valid_events())

    def written(members: dict[str, Any]) -> str:
        again = draw(st.lists(st.sampled_from(sorted(members)), max_size=2)) if members else []
        others = [(name, json.dumps(draw(st.none() | st.just("x")))) for name in again]
        texts = [
            (name, written(value) if isinstance(value, dict) else json.dumps(value))
            for name, value in members.items()
        ]
        colon = draw(st.sampled_from([":", ": ", " :", "\n:\t"]))
        return "{" + ",".join(f"{json.dumps(k)}{colon}{v}" for k, v in others + texts) + "}"

    return written(fields).encode()


@given(_repeating(), _sent_at)
@example(b'{"event":"like","contentId":"a","eventId":"e","timestamp":null}', None)
def test_event_that_repeats_names_goes_on_with_each_name_once(
    raw: bytes, sent_at: str | None
) -> None:
    check_every_promise(raw, sent_at)


@given(st.binary(max_size=200))
@example(b"")
@example(b"{}")
def test_any_bytes_get_a_verdict(raw: bytes) -> None:
    check_every_promise(raw, None)


@given(valid_events(), st.booleans())
@settings(max_examples=200)
def test_valid_event_is_accepted_as_it_is(fields: dict[str, Any], ascii_only: bool) -> None:
    raw = json.dumps(fields, ensure_ascii=ascii_only).encode()
    verdict = read_event(raw, NOW_MS)
    assert isinstance(verdict, CheckedEvent)
    assert verdict.normalised is None
    check_every_promise(raw, None)


@given(valid_events(adjustable=False))
def test_accepted_event_in_the_contract_spelling_keeps_its_bytes(fields: dict[str, Any]) -> None:
    fields |= {"eventId": "e-1", "timestamp": "2026-01-02T03:04:05.678Z"}
    raw = encode(fields)
    verdict = read_event(raw, NOW_MS)
    assert isinstance(verdict, CheckedEvent)
    value = accepted_form(raw, verdict, "e-1", RECEIVED_MS)
    texts = [text for text in (*fields.values(), *fields["data"].values()) if type(text) is str]
    # A text that may pass for the end of a name is looked at closely, and written anew.
    assert value.startswith(raw[:-1]) or any(map(_LIKE_A_NAME.search, texts))
    assert json.loads(value) == {**fields, "receivedAt": RECEIVED_AT, "adjusted": False}


@given(valid_events(), _sent_at, _sent_at)
def test_retry_has_the_same_derived_id(
    fields: dict[str, Any], sent_at: str | None, again_at: str | None
) -> None:
    first = encode({**fields, "eventId": None, "sentAt": sent_at})
    turned = dict(reversed([*fields.items(), ("sentAt", again_at)]))
    turned.pop("eventId", None)
    retry = json.dumps(turned, indent=1).encode()
    assert derived_event_id(first) == derived_event_id(retry)


@given(valid_events(), st.data())
def test_catalogue_gives_the_same_verdict_on_both_paths(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    named = {fields.get("contentId"), fields["data"].get("fromContentId")}
    named |= {fields["data"].get("toContentId")}
    catalogue = Catalogue(10)
    for content_id in sorted(named - {None}):
        if data.draw(st.booleans()):
            catalogue.put(content_id)
    raw = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    verdict = read_event(raw, NOW_MS, None, catalogue)
    explained = explain(raw, NOW_MS, None, catalogue)
    assert type(verdict) is type(explained)
    if isinstance(verdict, Refusal):
        assert verdict == explained


@given(valid_events(), valid_events())
def test_other_events_have_other_derived_ids(
    fields: dict[str, Any], others: dict[str, Any]
) -> None:
    for event in (fields, others):
        event.pop("eventId", None)
        event.pop("sentAt", None)
    same = json.dumps(fields, sort_keys=True) == json.dumps(others, sort_keys=True)
    assert (derived_event_id(encode(fields)) == derived_event_id(encode(others))) is same
