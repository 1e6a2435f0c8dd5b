"""Cutting the events out of a batch that strict JSON cannot take."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.lenient import NotAnEnvelopeError, cut_batch

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SPACE = st.sampled_from(["", " ", "\n", " \t\r\n"])


@given(st.lists(JSON, max_size=5), JSON, SPACE, st.booleans())
def test_events_are_cut_out_as_they_were_sent(
    events: list[Any], sent_at: Any, space: str, ascii_only: bool
) -> None:
    texts = [json.dumps(event, ensure_ascii=ascii_only) for event in events]
    array = "[" + space + f"{space},{space}".join(texts) + space + "]"
    sent = json.dumps(sent_at)
    text = f'{space}{{{space}"sentAt"{space}:{space}{sent}{space},{space}"events":{array}}}{space}'
    assert cut_batch(text) == (texts, sent)


@pytest.mark.parametrize(
    "event",
    [
        '{"x":NaN}',
        "-Infinity",
        "9" * 5000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 50_000 + '"]}\\"}"' + "}" * 50_000,
        '[{"a":[' * 20_000 + "NaN" + "]}]" * 20_000,
    ],
)
def test_odd_event_leaves_its_neighbours_whole(event: str) -> None:
    text = f'{{"events":[{{"a":1}},{event}, {{"b":"]"}}]}}'
    assert cut_batch(text) == (['{"a":1}', event, '{"b":"]"}'], "null")


def test_last_of_two_members_with_one_name_counts() -> None:
    assert cut_batch('{"events":5,"events":[1],"sentAt":1,"sentAt":"x"}') == (["1"], '"x"')


@pytest.mark.parametrize("text", ["[]", "5", '"events"', "{}", '{"events":{}}', '{"events":5}'])
def test_no_envelope(text: str) -> None:
    with pytest.raises(NotAnEnvelopeError):
        cut_batch(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "{",
            '{"events"',
            '{"events":',
            '{"events":[',
            '{"events":[]',
            '{"events":[1,]}',
        ),
        *('{"events":[],}', '{"events":[1 2]}', '{"events":[]} x', '{"events":[nan]}', "{5:[]}"),
        *('{"events":["x]}', '{"events":[' + "[" * 100_000, '{"events":[' + '["' * 100_000),
    ],
)
def test_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        cut_batch(text)
    assert not isinstance(caught.value, NotAnEnvelopeError)


@given(st.text(alphabet='{}[]",:\\ eventsN1', max_size=40))
def test_any_text_is_cut_or_refused(text: str) -> None:
    for body in (text, '{"events":[' + "[" * 2000 + text):
        try:
            events, _ = cut_batch(body)
        except ValueError:
            continue
        assert all(event in body for event in events)


@pytest.mark.parametrize(
    "filling", ["[", '{"":', '\\"', '"', '"\\', "[]", "\\" * 3, '["\\"', "[}", " "]
)
def test_hostile_body_of_a_mebibyte_is_read_in_one_pass(filling: str) -> None:
    body = '{"events":[' + "[" * 2000 + filling * ((1 << 20) // len(filling))
    started = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        cut_batch(body)
    # Going over it again at every sign would take minutes.
    assert time.process_time() - started < 5.0
