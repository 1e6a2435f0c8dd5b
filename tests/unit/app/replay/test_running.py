import json
from pathlib import Path

import pytest

from app.replay.lines import Line, read_line
from app.replay.pacing import Pacer
from app.replay.reading import Recording
from app.replay.running import Plan, planned_lines, replay
from app.replay.summary import Summary
from models.errors import OperatorError
from models.timestamps import format_timestamp

NOW_MS = 1_767_323_045_000


def recording(tmp_path: Path, *offsets_ms: int) -> Recording:
    path = tmp_path / "events.ndjson"
    path.write_text(
        "\n".join(
            json.dumps(
                {"event": "like", "contentId": "c", "timestamp": format_timestamp(offset_ms)}
            )
            for offset_ms in offsets_ms
        )
    )
    return Recording(str(path))


def times(tmp_path: Path, plan: Plan, *offsets_ms: int) -> list[int]:
    lines = list(planned_lines(recording(tmp_path, *offsets_ms), plan, NOW_MS))
    assert [read_line(line.raw).time_ms for line in lines] == [line.time_ms for line in lines]
    return [(line.time_ms or 0) - NOW_MS for line in lines]


def test_shift_lands_the_latest_event_at_now(tmp_path: Path) -> None:
    plan = Plan(shift_to_now=True)
    assert times(tmp_path, plan, 1_000, 61_000, 31_000) == [-60_000, 0, -30_000]


@pytest.mark.parametrize(
    ("speed", "first_ms", "last_ms"), [(1.0, 0, 60_000), (10.0, -54_000, 6_000), (0.5, 0, 60_000)]
)
def test_shift_with_a_speed_lands_the_last_event_when_it_is_sent(
    tmp_path: Path, speed: float, first_ms: int, last_ms: int
) -> None:
    plan = Plan(shift_to_now=True, speed=speed)
    assert times(tmp_path, plan, 1_000, 61_000) == [first_ms, last_ms]


def test_keep_time_changes_nothing(tmp_path: Path) -> None:
    source = recording(tmp_path, 1_000, 2_000)
    lines = planned_lines(source, Plan(keep_time=True), NOW_MS)
    assert [line.raw for line in lines] == list(source.lines())


def test_shift_of_standard_input_is_refused() -> None:
    with pytest.raises(OperatorError, match="read the events twice"):
        planned_lines(Recording("-"), Plan(shift_to_now=True), NOW_MS)


class RecordingTarget:
    def __init__(self) -> None:
        self.log: list[str] = []

    async def send(self, line: Line) -> None:
        self.log.append(line.raw.decode())

    async def tick(self, time_ms: int) -> None:
        self.log.append(f"tick {time_ms}")

    async def flush(self) -> None:
        self.log.append("flush")


async def test_what_is_waiting_is_sent_before_a_pause() -> None:
    seconds = 0.0

    async def sleep(wait_seconds: float) -> None:
        nonlocal seconds
        seconds += wait_seconds

    target = RecordingTarget()
    lines = [Line(raw, None, time, True) for raw, time in ((b"a", 0), (b"b", 5), (b"c", 9_000))]
    pacer = Pacer(1.0, clock=lambda: seconds, sleep=sleep)
    await replay(lines, Plan(speed=1.0), target, Summary(), pacer=pacer)
    assert target.log == ["a", "b", "flush", "c", "flush"]
    assert seconds == pytest.approx(9.0)


def test_summary_is_one_line_and_one_for_the_reasons() -> None:
    summary = Summary(sent=100, received=90, seconds=2.0)
    summary.refused.update({"malformed": 4, "missing_field": 6})
    assert summary.text() == (
        "sent 100, received 90, refused 10 in 2.0 s (50 events/s)\n"
        "refused: missing_field 6, malformed 4"
    )
