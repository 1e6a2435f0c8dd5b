"""Events that the contract accepts, one of every type, and strategies that vary them."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

NOW_MS = 1_767_323_045_678
NOW = "2026-01-02T03:04:05.678Z"

MINIMAL: dict[str, dict[str, Any]] = {
    "impression": {"position": 0},
    "playStart": {"startupTime": 412},
    "watchProgress": {"currentTime": 5.25, "duration": 30.0},
    "completion": {"watchTime": 30.5, "looped": False},
    "swipe": {"fromContentId": "clip-1", "toContentId": "clip-2", "watchTime": 3.2},
    "like": {},
    "save": {},
    "share": {"platform": "whatsapp"},
    "rebuffer": {"duration": 1250, "currentTime": 7.5},
    "qualityChange": {"fromQuality": "720p", "toQuality": "480p"},
    "error": {"errorCode": "E_DECODE", "errorMessage": "decoder gave up"},
    "app.opened": {},
}
"""The required ``data`` of every event type of the contract, and of one of an app's own."""


def minimal(name: str, /, **top: Any) -> dict[str, Any]:
    """The smallest valid event of a type, with fields of the envelope on top."""
    return {"event": name, "contentId": "clip-1", "data": dict(MINIMAL[name]), **top}


def with_data(name: str, /, **data: Any) -> dict[str, Any]:
    """The smallest valid event of a type with some of its ``data`` changed."""
    return minimal(name, data={**MINIMAL[name], **data})


def encode(fields: Any) -> bytes:
    """The JSON of an event as Python's own encoder writes it, NaN and infinity included."""
    return json.dumps(fields).encode()


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    nullable: dict[str, st.SearchStrategy[Any]] = {
        name: st.none() | values for name, values in fields.items()
    }
    return st.fixed_dictionaries({}, optional=nullable)


_content_ids = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-", min_size=1, max_size=128
)
_identifiers = st.text(min_size=1, max_size=128)
_texts = st.text(max_size=20)
_counts = st.integers(0, 2**31 - 1)
_positions = st.integers(0, 10_000_000_000) | st.floats(0, 1e10)
_watch_seconds = st.integers(0, 86_400) | st.floats(0, 86_400)
_timestamps = st.integers(NOW_MS - 86_400_000, NOW_MS + 600_000).map(
    lambda ms: f"{_iso_second(ms)}.{ms % 1000:03d}Z"
)


def _iso_second(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


_DATA: dict[str, tuple[dict[str, st.SearchStrategy[Any]], dict[str, st.SearchStrategy[Any]]]] = {
    "impression": (
        {"position": _counts},
        {"entryPoint": st.sampled_from(["feed", "search", "direct", "share"]), "feedId": _texts},
    ),
    "playStart": (
        {"startupTime": st.integers(0, 600_000)},
        {"rendition": _texts, "codec": _texts, "autoplay": st.booleans()},
    ),
    "watchProgress": (
        {"currentTime": _positions, "duration": _positions},
        {"percentComplete": st.floats(0, 1e6), "rendition": _texts},
    ),
    "completion": ({"watchTime": _watch_seconds, "looped": st.booleans()}, {"loopCount": _counts}),
    "swipe": (
        {"fromContentId": _content_ids, "toContentId": _content_ids, "watchTime": _watch_seconds},
        {"direction": _texts},
    ),
    "like": ({}, {}),
    "save": ({}, {}),
    "share": ({"platform": _texts}, {}),
    "rebuffer": (
        {"duration": st.integers(0, 3_600_000), "currentTime": _positions},
        {"rendition": _texts},
    ),
    "qualityChange": ({"fromQuality": _texts, "toQuality": _texts}, {}),
    "error": (
        {"errorCode": _texts | st.integers(-(2**40), 2**40), "errorMessage": _texts},
        {"fatal": st.booleans()},
    ),
    "app.opened": ({}, {"anything": st.integers() | _texts | st.lists(_counts, max_size=3)}),
}


@st.composite
def valid_events(draw: st.DrawFn, *, adjustable: bool = True) -> dict[str, Any]:
    """Any event that every rule accepts at :data:`NOW_MS`, in the contract's own spelling.

    Without ``adjustable`` its timestamp needs no change either.
    """
    name = draw(st.sampled_from(sorted(_DATA)))
    required, optional = _DATA[name]
    fields: dict[str, Any] = {"event": name}
    if name != "swipe" or draw(st.booleans()):
        fields["contentId"] = draw(_content_ids)
    identifiers = dict.fromkeys(("eventId", "userId", "deviceId", "sessionId"), _identifiers)
    context = dict.fromkeys(("platform", "appVersion", "country", "networkType", "cdn"), _texts)
    fields |= draw(_optional(**identifiers, **context))
    times = _timestamps if adjustable else st.just(NOW)
    fields |= draw(_optional(timestamp=times, **({"sentAt": st.just(NOW)} if adjustable else {})))
    fields["data"] = draw(st.fixed_dictionaries(required)) | draw(_optional(**optional))
    return fields


_any_text = st.text() | st.text(st.characters(categories=["Cs", "Ll"]), max_size=3)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**320)
    | st.floats()
    | _any_text
)
json_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_any_text, inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value, and the NaN, infinities and half surrogates that some encoders write."""

_field_names = st.sampled_from(
    sorted(
        {name for required, optional in _DATA.values() for name in (*required, *optional)}
        | {"watchTimeOnFrom", "eventId", "userId", "sessionId", "timestamp", "sentAt", "contentId"}
    )
)


@st.composite
def spoilt_events(draw: st.DrawFn) -> dict[str, Any]:
    """A valid event of which some fields were replaced, dropped, moved or renamed."""
    fields = draw(valid_events())
    for _ in range(draw(st.integers(1, 3))):
        target = fields
        if isinstance(fields.get("data"), dict) and draw(st.booleans()):
            target = fields["data"]
        change = draw(st.sampled_from(["replace", "drop", "lift", "data"]))
        name = draw(st.sampled_from(sorted(target)) if target else _field_names)
        if change == "drop":
            target.pop(name, None)
        elif change == "lift" and target is not fields:
            fields[name] = target.pop(name, None)
        elif change == "data":
            fields["data"] = draw(json_values)
        else:
            target[draw(st.just(name) | _field_names)] = draw(json_values)
    return fields
