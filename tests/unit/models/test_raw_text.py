"""The text of an event: JSON of every shape, too large, too deep, or none at all."""

import pytest

from models.validation import MAX_EVENT_BYTES
from models.verdicts import (
    INVALID_CONTENT_ID,
    INVALID_TYPE,
    MALFORMED,
    MISSING_FIELD,
    OUT_OF_RANGE,
    TOO_LARGE,
)
from tests.unit.models.test_validation import verdict


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"5",
        b'"like"',
        b"[]",
        b'[{"event":"like","contentId":"a"}]',
        b"not json",
        b'{"event":"like","contentId":"a"',
        b'{"event":"like","contentId":"a",}',
        b'{"event":"like","contentId":"a"} {}',
        b'{"event":"like","contentId":"a"}\x00',
        b"{'event':'like','contentId':'a'}",
        b'\xef\xbb\xbf{"event":"like","contentId":"a"}',
        '{"event":"like","contentId":"a"}'.encode("utf-16"),
        b'{"event":"like","contentId":"a","x":01}',
        b'{"event":"like","contentId":"a","x":1.}',
        b'{"event":"like","contentId":"a","x":"a\nb"}',
        b'{"event":"like","contentId":"a","x":"\\q"}',
        b'{"event":"like","contentId":"a\xff"}',
        b'{"event":"like","contentId":"a","x":"\xc3"}',
        b'{"event":"like","contentId":"a","x\xff":1}',
        b'{"event":"like","contentId":"a","x":["\xed\xa0\x80"]}',
        b'{"event":"like","contentId":"a","userId":"\\ud800"}',
        b'{"event":"like","contentId":"a","x":{"y":"\\udc00 tail"}}',
        b'{"event":"like","contentId":"a","\\ud800":1}',
    ],
)
def test_what_is_no_json_object_in_utf8_is_malformed(raw: bytes) -> None:
    assert verdict(raw) == [(MALFORMED, "")]


@pytest.mark.parametrize(
    "raw",
    [
        b' \r\n\t{ "event" : "like" , "contentId" : "a" } \n',
        b'{"\\u0065vent":"l\\u0069ke","contentId":"\\u0061"}',
        b'{"event":"like","contentId":"a","x":"\\ud83d\\ude00"}',
        '{"event":"like","contentId":"a","userId":"é€😀"}'.encode(),
        b'{"event":"like","contentId":"a","x":1E+5,"y":-0.0e-999}',
        b'{"event":"like","contentId":"a","x":"10:1e999 [1e999"}',
        b'{"event":"like","contentId":"a","x":' + b"9" * 300 + b"}",
        b'{"event":"like","contentId":"a","x":0.' + b"9" * 3000 + b"}",
    ],
)
def test_json_in_unusual_dress_is_accepted(raw: bytes) -> None:
    assert verdict(raw) == []


@pytest.mark.parametrize(
    "number",
    [b"1e309", b"1" * 309 + b".0e1", b"1" * 280 + b"e99", b"-" + b"7" * 5_000, b"[0,1E0400]"],
)
def test_huge_number_in_a_field_of_no_rule_is_out_of_range(number: bytes) -> None:
    path = "x[1]" if number.startswith(b"[") else "x"
    for before in (b"", b" "):
        raw = b'{"event":"like","contentId":"a","x":' + before + number + b"}"
        assert verdict(raw) == [(OUT_OF_RANGE, path)]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_over_32_levels_is_malformed(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"

    def nested(levels: int) -> bytes:
        inside = opening * (levels - 1) + b"0" + closing * (levels - 1)
        return b'{"event":"like","contentId":"a","x":' + inside + b"}"

    assert verdict(nested(32)) == []
    assert verdict(nested(33)) == [(MALFORMED, "")]
    assert verdict(nested(5_000)) == [(MALFORMED, "")]


def test_many_brackets_side_by_side_are_no_nesting() -> None:
    assert verdict(b'{"event":"like","contentId":"a","x":[' + b"{}," * 99 + b'"}}]]"]}') == []


def test_size_limit_counts_bytes() -> None:
    frame = b'{"event":"like","contentId":"a","x":"%s"}'
    room = MAX_EVENT_BYTES - len(frame) + 2
    assert MAX_EVENT_BYTES == 65_536
    assert verdict(frame % (b"x" * room)) == []
    assert verdict(frame % (b"x" * (room + 1))) == [(TOO_LARGE, "")]
    assert verdict(frame % ("é" * (room // 2 + 1)).encode()) == [(TOO_LARGE, "")]
    assert verdict(b"x" * 1_000_000) == [(TOO_LARGE, "")]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"event":"like","contentId":"a b","contentId":"a"}', []),
        (
            b'{"event":"like","contentId":"a","contentId":"a b"}',
            [(INVALID_CONTENT_ID, "contentId")],
        ),
        (b'{"event":"like","contentId":"a","contentId":null}', [(MISSING_FIELD, "contentId")]),
        (b'{"event":5,"contentId":"a","event":"like"}', []),
        (b'{"event":"like","contentId":"a","event":"LIKE"}', [(INVALID_TYPE, "event")]),
        (
            b'{"event":"playStart","contentId":"a",'
            b'"data":{"startupTime":-1},"data":{"startupTime":"x","startupTime":3}}',
            [],
        ),
        (
            b'{"event":"playStart","contentId":"a","data":{"startupTime":3},"data":{}}',
            [(MISSING_FIELD, "data.startupTime")],
        ),
        (
            b'{"event":"playStart","event":"rebuffer","contentId":"a","data":{"startupTime":3}}',
            [(MISSING_FIELD, "data.duration"), (MISSING_FIELD, "data.currentTime")],
        ),
    ],
)
def test_last_of_duplicate_keys_wins(raw: bytes, expected: list[tuple[str, str]]) -> None:
    assert verdict(raw) == expected
