from pathlib import Path

import pytest
from rich.console import Console

from app.replay import progress
from app.replay.progress import progress_bar
from app.replay.reading import Recording
from app.replay.summary import Summary


def test_no_bar_where_standard_error_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar(Recording(str(tmp_path / "absent")), Summary()) as on_line:
        on_line()
    assert capsys.readouterr() == ("", "")


def test_bar_tells_what_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("{}\n" * 300)
    recording, summary = Recording(str(file)), Summary()
    console = Console(force_terminal=True, width=120, record=True, stderr=True)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with progress_bar(recording, summary) as on_line:
        for _ in recording.lines():
            summary.sent += 1
            summary.received = summary.sent
            on_line()
    assert "300 sent, 300 received" in console.export_text()
