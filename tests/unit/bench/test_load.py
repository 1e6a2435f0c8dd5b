from collections import defaultdict
from typing import Any

import msgspec
import pytest

from bench.load import CHUNK_RECORDS, Load, Record
from models.events import partition_key
from models.validation import read_event
from models.verdicts import CheckedEvent

END_MS = 1_767_323_045_000


def records(load: Load) -> list[Record]:
    return [record for chunk in load.chunks() for record in chunk]


def test_chunks_add_up_to_the_records_asked_for() -> None:
    sizes = [len(chunk) for chunk in Load(25_000, 60, END_MS).chunks()]
    assert sizes == [CHUNK_RECORDS, CHUNK_RECORDS, 5_000]


def test_same_seed_gives_the_same_records() -> None:
    assert records(Load(3_000, 60, END_MS)) == records(Load(3_000, 60, END_MS))
    assert records(Load(3_000, 60, END_MS, seed=2)) != records(Load(3_000, 60, END_MS))


def test_every_record_is_a_valid_event_with_its_own_key_and_time() -> None:
    ids = set()
    for key, value, timestamp_ms in records(Load(20_000, 60, END_MS)):
        checked = read_event(value, timestamp_ms)
        assert isinstance(checked, CheckedEvent), checked
        assert partition_key(checked.event) == key.decode()
        assert (checked.timestamp_ms, checked.adjusted) == (timestamp_ms, False)
        ids.add(checked.event.event_id)
    assert len(ids) == 20_000


def test_loads_of_different_times_share_no_event_ids() -> None:
    early, late = (
        {msgspec.json.decode(value)["eventId"] for _, value, _ in records(Load(500, 60, end_ms))}
        for end_ms in (END_MS, END_MS + 1)
    )
    assert early.isdisjoint(late)


def test_times_rise_and_fill_the_span() -> None:
    times = [timestamp_ms for _, _, timestamp_ms in records(Load(50_000, 120, END_MS))]
    assert times == sorted(times)
    assert times[0] - (END_MS - 120_000) < 1_000
    assert times[-1] == pytest.approx(END_MS, abs=6_000)


def test_sessions_are_interleaved_and_their_views_whole() -> None:
    sessions: dict[bytes, list[dict[str, Any]]] = defaultdict(list)
    for key, value, _ in records(Load(20_000, 120, END_MS)):
        sessions[key].append(msgspec.json.decode(value))
    assert len(sessions) > 100
    for events in sessions.values():
        assert events[0]["event"] == "impression"
        for event in events:
            if event["event"] == "impression":
                content = event["contentId"]
            else:
                assert event.get("contentId", content) == content


def test_records_have_the_size_of_single_events_of_real_players() -> None:
    sizes = [len(value) for _, value, _ in records(Load(20_000, 60, END_MS))]
    assert sum(sizes) / len(sizes) == pytest.approx(280, abs=15)
