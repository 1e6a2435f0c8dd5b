"""What the API stores and what the worker forwards."""

import json
from typing import Any

import pytest

from models.timestamps import format_timestamp
from models.validation import read_event
from models.verdicts import CheckedEvent
from models.wire import accepted_form, continuation, derived_event_id, stored_form
from tests.unit.models.samples import NOW, NOW_MS, encode, minimal, with_data

HOUR_BEFORE = "2026-01-02T02:04:05.678Z"
RECEIVED_AT = "2026-01-02T03:04:06.000Z"
RECEIVED_MS = NOW_MS + 322


def stored(fields: dict[str, Any], sent_at: str | None = None) -> tuple[dict[str, Any], str]:
    raw = encode(fields)
    checked = read_event(raw, NOW_MS, sent_at)
    assert isinstance(checked, CheckedEvent)
    value, event_id = stored_form(raw, checked, NOW_MS, sent_at)
    return json.loads(value), event_id


def forwarded(fields: dict[str, Any], event_id: str = "e-1") -> dict[str, Any]:
    raw = encode(fields)
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    value: dict[str, Any] = json.loads(accepted_form(raw, checked, event_id, RECEIVED_MS))
    return value


def test_complete_event_is_stored_to_the_byte() -> None:
    raw = b' {"event":"like", "contentId":"a","eventId":"e-1",\t"timestamp":"2026-01-02T03:04Z"}\n'
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    assert stored_form(raw, checked, NOW_MS) == (raw, "e-1")


def test_missing_id_is_derived_where_the_client_gave_a_timestamp() -> None:
    fields = minimal("like", timestamp=NOW)
    value, event_id = stored(fields)
    assert value == {**fields, "eventId": event_id}
    assert event_id == derived_event_id(encode(fields))
    assert stored(fields)[1] == event_id
    assert len(event_id) == 32


def test_missing_id_is_drawn_where_there_is_no_timestamp() -> None:
    fields = minimal("like")
    value, event_id = stored(fields)
    assert value == {**fields, "eventId": event_id, "timestamp": NOW}
    assert stored(fields)[1] != event_id


def test_null_id_and_timestamp_are_filled_in() -> None:
    value, event_id = stored(minimal("like", eventId=None, timestamp=None))
    assert (value["eventId"], value["timestamp"]) == (event_id, NOW)


def test_clock_of_the_batch_is_stored_with_an_event_that_has_none() -> None:
    fields = minimal("like", eventId="e-1", timestamp=HOUR_BEFORE)
    assert stored(fields, HOUR_BEFORE)[0] == {**fields, "sentAt": HOUR_BEFORE}
    fields["sentAt"] = NOW
    assert stored(fields, HOUR_BEFORE)[0] == fields


def test_server_timestamp_is_not_corrected_by_the_clock_of_the_client() -> None:
    value, _ = stored(minimal("like", eventId="e-1", sentAt=HOUR_BEFORE), HOUR_BEFORE)
    assert (value["timestamp"], value["sentAt"]) == (NOW, None)
    assert "sentAt" not in stored(minimal("like", eventId="e-1"), HOUR_BEFORE)[0]


def test_other_spelling_is_stored_as_it_was_sent() -> None:
    fields = {"event": "swipe", "contentId": "b", "fromContentId": "a", "watchTimeOnFrom": 2}
    fields |= {"eventId": "e-1", "timestamp": NOW}
    assert stored(fields)[0] == fields


def test_forwarded_event_has_id_time_and_receipt() -> None:
    fields = with_data("playStart", mood="fine")
    assert forwarded(fields) == {
        **fields,
        "eventId": "e-1",
        "timestamp": NOW,
        "receivedAt": RECEIVED_AT,
        "adjusted": False,
    }


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "final", "adjusted"),
    [
        ("2026-01-02T03:04:05Z", None, "2026-01-02T03:04:05.000Z", False),
        ("2026-01-02T04:04:05.678+01:00", None, NOW, False),
        ("2026-W01-5T03:04:05.678Z", None, NOW, False),
        ("2027-01-02T03:04:05.678Z", None, NOW, True),
        ("2026-01-02T02:04:00.678Z", HOUR_BEFORE, "2026-01-02T03:04:00.678Z", True),
    ],
)
def test_forwarded_timestamp_is_the_final_one(
    timestamp: str, sent_at: str | None, final: str, adjusted: bool
) -> None:
    value = forwarded(minimal("like", eventId="e-1", timestamp=timestamp, sentAt=sent_at))
    assert (value["timestamp"], value["adjusted"]) == (final, adjusted)


@pytest.mark.parametrize("after", [b"", b"\n", b" \r\n\t"])
def test_white_space_after_an_event_does_not_spoil_what_is_forwarded(after: bytes) -> None:
    fields = minimal("like", eventId="e-1", timestamp=NOW)
    raw = encode(fields) + after
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    value = accepted_form(raw, checked, "e-1", RECEIVED_MS)
    assert json.loads(value) == {**fields, "receivedAt": RECEIVED_AT, "adjusted": False}


def test_fields_of_the_client_do_not_pass_for_the_worker_s() -> None:
    value = forwarded(
        minimal("like", eventId="e-1", timestamp=NOW, receivedAt="never", adjusted="perhaps")
    )
    assert (value["receivedAt"], value["adjusted"]) == (RECEIVED_AT, False)


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


START = b'"eventId":"e-1","contentId":"a","timestamp":"%s"' % NOW.encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"event":"like","event":"save",%s}', {"event": "save"}),
        (b'{"event":"like","event":"like",%s}', {"event": "like"}),
        (b'{"event":"like","eventId":null,%s}', {"event": "like"}),
        (b'{"event":"like","timestamp":null,%s}', {"event": "like"}),
        (b'{"event":"like","cdn":"x" , "cdn" : null,%s}', {"event": "like", "cdn": None}),
        (b'{"event":"like","c\\u0064n":"x","cdn":"y",%s}', {"event": "like", "cdn": "y"}),
        (b'{"event":"like",%s,"data":{"x":1},"data":{"y":2}}', {"event": "like", "data": {"y": 2}}),
        (
            b'{"event":"like",%s,"data":{"x":[{"y":1,"y":2}]}}',
            {"event": "like", "data": {"x": [{"y": 2}]}},
        ),
        (
            b'{"event":"like","x" :1,"x"\t:2,%s,"cdn":"\\":\\":"}',
            {"event": "like", "cdn": '":":', "x": 2},
        ),
        (
            b'{"event":"impression","data":{"position":3,"position":0},%s}',
            {"event": "impression", "data": {"position": 0}},
        ),
        (b'{"event":"like",%s,"received\\u0041t":"never"}', {"event": "like"}),
    ],
)
def test_forwarded_event_has_each_name_once_with_the_value_that_was_judged(
    raw: bytes, expected: dict[str, Any]
) -> None:
    raw = raw.replace(b"%s", START)
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    value = accepted_form(raw, checked, "e-1", RECEIVED_MS)
    assert json.loads(value, object_pairs_hook=_names_once) == {
        **{"eventId": "e-1", "contentId": "a", "timestamp": NOW, "receivedAt": RECEIVED_AT},
        **{"adjusted": False, **expected},
    }


def test_what_the_api_fills_in_is_forwarded_once() -> None:
    raw = b'{"event":"like","contentId":"a","eventId":null,"timestamp":null,"sentAt":"%s"}'
    raw = raw.replace(b"%s", NOW.encode())
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    kept, event_id = stored_form(raw, checked, NOW_MS)
    assert kept.startswith(raw[:-1])
    checked = read_event(kept, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    value = accepted_form(kept, checked, event_id, RECEIVED_MS)
    fields = json.loads(value, object_pairs_hook=_names_once)
    assert (fields["eventId"], fields["timestamp"]) == (event_id, NOW)


@pytest.mark.parametrize(
    "note", [b'"x"', b'{"a":[{"b":1.10}]}', b'"1 : 2"', b"12345678901234567890"]
)
def test_event_with_fields_of_its_own_keeps_its_bytes(note: bytes) -> None:
    raw = b'{"event":"like", %s, "data": {"note": %s}}'.replace(b"%s", START, 1)
    raw = raw.replace(b"%s", note)
    checked = read_event(raw, NOW_MS)
    assert isinstance(checked, CheckedEvent)
    assert accepted_form(raw, checked, "e-1", RECEIVED_MS).startswith(raw[:-1])


def test_forwarded_swipe_is_in_the_contract_spelling() -> None:
    fields = {"event": "swipe", "contentId": "b", "fromContentId": "a", "watchTimeOnFrom": 2}
    value = forwarded(fields)
    assert value["data"] == {"fromContentId": "a", "toContentId": "b", "watchTime": 2}
    assert not {"fromContentId", "watchTimeOnFrom"} & set(value)


def test_large_numbers_in_fields_of_no_rule_survive() -> None:
    value = forwarded(minimal("app.opened", data={"n": 10**40, "f": 1.5e300}))
    assert value["data"] == {"n": 10**40, "f": 1.5e300}


def test_derived_id_leaves_out_the_id_and_the_sending_time() -> None:
    fields = minimal("like", timestamp=NOW)
    event_id = derived_event_id(encode(fields))
    assert derived_event_id(encode({**fields, "eventId": "x", "sentAt": NOW})) == event_id
    assert derived_event_id(encode({**fields, "timestamp": HOUR_BEFORE})) != event_id
    assert derived_event_id(encode({**fields, "userId": "u"})) != event_id


@pytest.mark.parametrize("raw", [b"[]", b"", b'"\\ud800"'])
def test_what_is_no_event_has_no_derived_id(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|surrogate"):
        derived_event_id(raw)


def test_continuation_has_the_receipt_whatever_the_time() -> None:
    times_ms = [NOW_MS + step_ms for step_ms in range(0, 2_000_000, 999)]
    # What is before the first year and after the last that can be written is held there.
    times_ms += [-1, 0, -(1 << 58), 1 << 58]
    for received_ms in times_ms:
        fields = json.loads(b'{"event":"like"' + continuation(received_ms))
        assert fields == {
            "event": "like",
            "receivedAt": format_timestamp(received_ms),
            "adjusted": False,
        }
