"""What is read of an event in its plain form: the same as the typed decoder reads, or nothing."""

import gc
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.compiled_core import COMPILED, require_current_core
from models.event_kinds import KIND_OF
from models.events import EVENT_TYPES, Envelope, decode_known
from models.names import CONTENT_ID
from models.plain_form import plain_reader
from models.timestamps import FIRST_MS, LAST_MS, format_timestamp, is_canonical, parse_timestamp_ms
from tests.unit.models.samples import MINIMAL, NOW, encode, minimal, valid_events, with_data

read_plain = plain_reader()
IS_COMPILED = require_current_core() == COMPILED
FIELDS = Envelope.__struct_fields__
FULL = {
    "eventId": "e-1",
    "userId": "u-1",
    "deviceId": "d-1",
    "sessionId": "s-1",
    "timestamp": NOW,
    "sentAt": NOW,
    "platform": "ios",
    "appVersion": "8.1.0",
    "country": "DE",
    "networkType": "wifi",
    "cdn": "edge-1",
}
known_names = pytest.mark.parametrize("name", sorted(EVENT_TYPES))


def compact(fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def typed(raw: bytes) -> tuple[Any, ...]:
    """What the typed decoder makes of an event, in the form of a plain one."""
    event = decode_known(raw)
    values = {name: getattr(event, name) for name in FIELDS}
    for name in ("timestamp", "sent_at"):
        if values[name] is not None:
            assert is_canonical(values[name])
            values[name] = parse_timestamp_ms(values[name])
    swiped = [getattr(event.data, name, None) for name in ("from_content_id", "to_content_id")]
    for content_id in (values["content_id"], *swiped):
        assert content_id is None or CONTENT_ID.fullmatch(content_id)
    return (*values.values(), event.data, KIND_OF[type(event)])


def check_same_or_nothing(raw: bytes) -> None:
    values = read_plain(raw)
    if values is not None:
        assert repr(values) == repr(typed(raw))


def check_is_read(raw: bytes) -> None:
    """Also that it is plain, which nothing else would show than the time it takes."""
    check_same_or_nothing(raw)
    assert (read_plain(raw) is not None) is IS_COMPILED


def check_is_not_plain(raw: bytes) -> None:
    assert read_plain(raw) is None


@known_names
def test_smallest_event_of_every_type_is_plain(name: str) -> None:
    check_is_read(compact(minimal(name)))


@known_names
@pytest.mark.parametrize(
    "written", [compact, encode, lambda fields: json.dumps(fields, indent=1).encode()]
)
def test_full_envelope_is_plain_in_any_white_space(
    name: str, written: Callable[[Any], bytes]
) -> None:
    check_is_read(written(minimal(name, **FULL)))


@known_names
def test_names_may_come_in_any_order(name: str) -> None:
    fields = minimal(name, **FULL)
    check_is_read(compact(dict(sorted(fields.items()))))
    check_is_read(compact(dict(sorted(fields.items(), reverse=True))))


@pytest.mark.parametrize(
    "fields",
    [
        minimal("like", **dict.fromkeys(FULL)),
        minimal("like", data=None),
        {"event": "like", "contentId": "a"},
        {"event": "swipe", "data": MINIMAL["swipe"]},
        minimal("swipe", contentId=None),
        minimal("like", userId="é€😀", cdn="ü" * 30),
        minimal("like", userId="u" * 128, eventId="é" * 128, contentId="aZ09._:-"),
        with_data("impression", entryPoint="share", feedId=""),
        with_data("impression", position=2**31 - 1, entryPoint=None),
        with_data("playStart", startupTime=600_000, rendition="", codec="av1", autoplay=False),
        with_data("watchProgress", currentTime=0, duration=10_000_000_000),
        with_data("watchProgress", currentTime=5.280000000000001, percentComplete=12),
        with_data("watchProgress", currentTime=1234567890.1234567, duration=0.1),
        with_data("completion", watchTime=86400.0, looped=True, loopCount=0),
        with_data("error", errorMessage="x" * 5_000, fatal=True),
    ],
)
def test_what_the_contract_allows_is_plain(fields: dict[str, Any]) -> None:
    check_is_read(compact(fields))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{}",
        b"null",
        b'"event"',
        b'{"event":"like"}',
        b'{"event":"like","contentId":null}',
        b'{"event":"like","contentId":""}',
        b'{"event":"like","contentId":"a b"}',
        b'{"event":"like","contentId":"a"',
        b'{"event":"like","contentId":"a"}}',
        b'{"event":"like","contentId":"a"} ',
        b' {"event":"like","contentId":"a"}',
        b'{"event":"like","contentId":"a",}',
        b'{"event":"like" "contentId":"a"}',
        b'{"event":"like","contentId":"a\x00"}',
        b'{"event":"like","contentId":"a"}\x00',
        b'{"event":"like","contentId":"a","userId":"b\xff"}',
        b'{"event":"like","contentId":"a","userId":"\xed\xa0\x80"}',
        b'{"event":"like","contentId":"a","userId":"b\\n"}',
        b'{"event":"like","contentId":"a","userId":"b\n"}',
        b'{"event":"like","contentId":"a","userId":""}',
        b'{"event":"like","contentId":"a","userId":5}',
        b'{"event":"like","contentId":"a","userId":"b","userId":"b"}',
        b'{"event":"like","contentId":"a","userId":null,"userId":"b"}',
        b'{"event":"like","contentId":"a","event":"like"}',
        b'{"event":"like","contentId":"a","other":1}',
        b'{"event":"like","contentId":"a","data":{"other":1}}',
        b'{"event":"like","contentId":"a","data":[]}',
        b'{"event":"like","contentId":"a","timestamp":"soon"}',
        b'{"event":"like","contentId":"a","timestamp":1}',
        b'{"event":"Like","contentId":"a"}',
        b'{"event":null,"contentId":"a"}',
        b'{"contentId":"a","data":{}}',
        b'{"data":{"position":{}},"event":"impression","contentId":"a"}',
        b'{"data":{"position":0,"position":0},"event":"impression","contentId":"a"}',
        compact(minimal("app.opened")),
        compact(minimal("like", userId="u" * 129)),
        compact(minimal("like", contentId="c" * 129)),
        compact(minimal("impression", data=None)),
        compact(with_data("impression", position=None)),
        compact(with_data("impression", position=2**31)),
        compact(with_data("impression", position=True)),
        compact(with_data("impression", position="0")),
        compact(with_data("impression", entryPoint="Feed")),
        compact(with_data("completion", looped=1)),
        compact(with_data("completion", watchTime=86400.00000000001)),
        compact(with_data("error", errorCode=5)),
    ],
)
def test_what_else_there_is_is_left_to_the_others(raw: bytes) -> None:
    check_is_not_plain(raw)


@pytest.mark.parametrize(
    "number", ["-1", "+1", "01", "00", "1.", ".5", "1e3", "1E3", "NaN", "Infinity", "1.5.5", "0x1"]
)
@pytest.mark.parametrize("event", ["impression", "watchProgress"])
def test_number_of_other_signs_is_not_plain(event: str, number: str) -> None:
    raw = compact(minimal(event))
    wanted = b'"position":0' if event == "impression" else b'"currentTime":5.25'
    assert wanted in raw
    check_is_not_plain(raw.replace(wanted, wanted.split(b":")[0] + b":" + number.encode()))


@given(valid_events())
@settings(max_examples=300)
def test_valid_event_is_read_as_the_typed_decoder_reads_it(fields: dict[str, Any]) -> None:
    check_same_or_nothing(compact(fields))
    check_same_or_nothing(encode(fields))


@given(valid_events(), st.data())
@settings(max_examples=300)
def test_damaged_event_is_read_as_the_typed_decoder_reads_it(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    raw = compact(fields)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 3)))
    raw = raw[:start] + data.draw(st.binary(max_size=3)) + raw[end:]
    check_same_or_nothing(raw)


@given(valid_events())
def test_cut_off_event_is_not_plain(fields: dict[str, Any]) -> None:
    raw = compact(fields)
    for end in range(len(raw)):
        check_is_not_plain(raw[:end])


@given(st.floats(0, 86_400) | st.decimals(0, 86_400, places=3).map(float) | st.integers(0, 86_400))
@example(0.1 + 0.2)
@example(5e-324)
@example(86399.99999999999)
def test_number_is_the_nearest_double(seconds: float) -> None:
    raw = compact(with_data("completion", watchTime=seconds))
    check_same_or_nothing(raw)
    if "e" not in repr(seconds):
        check_is_read(raw)


@given(st.integers(FIRST_MS, LAST_MS))
@example(FIRST_MS)
@example(LAST_MS)
def test_time_is_the_one_that_is_written(at_ms: int) -> None:
    written = format_timestamp(at_ms)
    check_is_read(compact(minimal("like", timestamp=written, sentAt=written)))


@given(
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z\Z")
)
@example("2024-02-29T00:00:00.000Z")
@example("2023-02-29T00:00:00.000Z")
@example("1900-02-29T00:00:00.000Z")
@example("2000-02-29T00:00:00.000Z")
@example("0000-01-01T00:00:00.000Z")
@example("2026-04-31T00:00:00.000Z")
@example("2026-01-01T24:00:00.000Z")
@example("2026-12-31T23:59:60.000Z")
def test_time_that_is_none_is_not_plain(written: str) -> None:
    raw = compact(minimal("like", timestamp=written))
    assert (read_plain(raw) is not None) is (
        IS_COMPILED and parse_timestamp_ms(written) is not None
    )
    check_same_or_nothing(raw)


def test_reader_takes_bytes_alone() -> None:
    if not IS_COMPILED:
        return
    for other in ('{"event":"like","contentId":"a"}', bytearray(b"{}"), None):
        with pytest.raises(TypeError, match="an event is bytes"):
            read_plain(other)  # type: ignore[arg-type] # that is the point


def test_nothing_is_left_behind() -> None:
    good = [compact(minimal(name, **FULL)) for name in MINIMAL]
    spoilt = [
        raw[:end] + tail for raw in good for end in (20, 60, -9) for tail in (b"", b'"', b"}}")
    ]

    def read_all() -> None:
        for raw in (*good, *spoilt):
            read_plain(raw)

    read_all()
    before = sys.getallocatedblocks()
    for _ in range(200):
        read_all()
    assert sys.getallocatedblocks() - before < 50


@pytest.mark.parametrize("sign", ['"', "\\", "\x00", "\x1f", "\x7f", "é", "\udc80"])
def test_text_is_looked_at_sign_by_sign(sign: str) -> None:
    special = sign.encode("utf-8", "surrogateescape")
    for length in range(40):
        for place in range(length + 1):
            text = b"a" * place + special + b"a" * (length - place)
            for name in (b"userId", b"cdn"):
                raw = b'{"event":"like","contentId":"a","%b":"%b"}' % (name, text)
                if sign in ("\x7f", "é"):
                    check_is_read(raw)
                else:
                    check_is_not_plain(raw)


def test_text_that_came_lately_is_still_the_right_one() -> None:
    texts = ["x" * length for length in range(30)] + [str(number) for number in range(3_000)]
    for text in texts + texts[::-1] + texts[::7]:
        check_is_read(compact(minimal("like", cdn=text, country=text[::-1])))


@known_names
def test_data_before_the_name_of_the_event_is_judged_by_it(name: str) -> None:
    for data in (MINIMAL[name], {}, {"other": 1}, dict.fromkeys(MINIMAL[name]), MINIMAL["share"]):
        first = compact({"data": data, "event": name, "contentId": "clip-1"})
        last = compact({"event": name, "contentId": "clip-1", "data": data})
        assert repr(read_plain(first)) == repr(read_plain(last))
        check_same_or_nothing(first)


def test_forms_that_make_no_sense_are_refused() -> None:
    if not IS_COMPILED:
        return
    from models.plain_events import PlainReader

    data = (b"data", "d", 0.0, 0.0, (), False)
    text = (b"x", "t", 0.0, 1.0, (), False)
    no_text: Any = (5, "t", 0.0, 1.0, (), False)
    kind = (b"like", 1, (), msgspec.Struct, ())
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(100):
        for envelope, kinds, why in [
            ((text,), (), "one field for the data"),
            ((data, data), (), "one field for the data"),
            ((data,) * 17, (), "at most 16 fields"),
            ((data, (b"x", "o", 0.0, 0.0, ("é",), False)), (), "ASCII"),
            ((data,), (kind, (b"like", 1, (3,), msgspec.Struct, ())), "no such field"),
            ((data,), (kind, (b"like", 1, (0,), msgspec.Struct, (data,))), "neither data nor"),
        ]:
            with pytest.raises(ValueError, match=why):
                PlainReader(envelope, kinds)
        for fields in ((no_text,), (data, no_text)):
            with pytest.raises(TypeError):
                PlainReader(fields, ())
        with pytest.raises(TypeError):
            PlainReader.__new__(PlainReader)
    gc.collect()
    assert sys.getallocatedblocks() - before < 50


def test_rule_that_the_reader_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    if not IS_COMPILED:
        return
    for rule in (
        Annotated[int, msgspec.Meta(gt=0)],
        Annotated[float, msgspec.Meta(multiple_of=2)],
        Annotated[str, msgspec.Meta(pattern="a")],
        Literal[1, 2],
    ):
        data = msgspec.defstruct("Data", [("x", rule)])
        event = msgspec.defstruct("Odd", [("content_id", str), ("data", data)], rename="camel")
        monkeypatch.setattr("models.plain_form.EVENT_TYPES", {"odd": event})
        with pytest.raises(TypeError, match="x: the reader of plain events"):
            plain_reader()
    counted = msgspec.defstruct("Counted", [("x", int, 0)])
    event = msgspec.defstruct("Odd", [("content_id", str), ("data", counted)], rename="camel")
    monkeypatch.setattr("models.plain_form.EVENT_TYPES", {"odd": event})
    with pytest.raises(TypeError, match="is read as null"):
        plain_reader()
