"""From the events of a request to records."""

import json

from models.intake import take_in
from models.verdicts import MALFORMED, MISSING_FIELD, TOO_LARGE

NOW_MS = 1_767_322_800_000
LIKE = b'{"event":"like","contentId":"a","eventId":"%b","sessionId":"s%b"}'


def test_valid_events_have_keys_values_and_ids_in_their_order() -> None:
    events = [LIKE % (b"1", b"1"), LIKE % (b"2", b"2")]
    keyed, event_ids, refusals = take_in(events, NOW_MS)
    assert [key for key, _ in keyed] == [b"s1", b"s2"]
    assert [json.loads(value)["eventId"] for _, value in keyed] == event_ids == ["1", "2"]
    assert refusals == []


def test_refused_events_are_told_by_index_and_leave_the_others_alone() -> None:
    keyed, event_ids, refusals = take_in([b"{", LIKE % (b"1", b"1"), b"{}"], NOW_MS)
    assert [(index, refusal.reason) for index, refusal in refusals] == [
        (0, MALFORMED),
        (2, MISSING_FIELD),
    ]
    assert event_ids == ["1"]
    assert len(keyed) == 1


def test_event_that_grows_over_the_limit_is_refused() -> None:
    raw = b'{"event":"like","contentId":"a","note":"%b"}'
    raw %= b"x" * (65_536 - len(raw))
    keyed, _, refusals = take_in([raw], NOW_MS)
    assert keyed == []
    assert refusals[0][1].reason == TOO_LARGE
