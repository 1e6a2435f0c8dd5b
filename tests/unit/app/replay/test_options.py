from pathlib import Path

import click
import pytest

from app.cli import run
from app.replay.options import Duration, Speed

EVENT = '{"event":"like","contentId":"c","timestamp":"2026-01-02T03:04:05.678Z"}\n'


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "events.ndjson"
    path.write_text(EVENT)
    return str(path)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("1h", 3600), ("0s", 0)]
)
def test_duration_is_read_as_seconds(text: str, seconds: int) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5s", "1.5h", "20 minutes", "49h"])
def test_what_is_no_duration_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.BadParameter, match="expected a length of time"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize(("text", "speed"), [("1", 1.0), ("10x", 10.0), ("0.5", 0.5)])
def test_speed_is_a_multiple(text: str, speed: float) -> None:
    assert Speed().convert(text, None, None) == speed


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "fast"])
def test_what_is_no_speed_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.BadParameter, match="expected a multiple of real time"):
        Speed().convert(text, None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep-time", "--to", "api"], "--keep-time sets record times"),
        (["--keep-time", "--shift-to-now"], "exclude each other"),
        (["--settle", "20m"], "--settle moves the clock of a history"),
        (["--to", "topic", "--key", "pk_test_demo"], "no use with the raw topic"),
        (["--to", "elsewhere"], "Invalid value for '--to'"),
        (["--settle", "soon", "--keep-time"], "expected a length of time"),
    ],
)
def test_options_that_do_not_fit_are_a_usage_error(
    file: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", file, *options]) == 2
    assert message in capsys.readouterr().err


def test_standard_input_cannot_be_shifted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "-", "--shift-to-now"]) == 2
    assert "reads the events twice" in capsys.readouterr().err


def test_missing_key_is_a_usage_error(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYVITALS_KAFKA", "127.0.0.1:1")
    assert run(["replay", file]) == 2
    assert "no API key" in capsys.readouterr().err


def test_missing_file_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", "no-such-file.ndjson"]) == 1
    assert capsys.readouterr() == (
        "",
        "playvitals: no-such-file.ndjson: No such file or directory\n",
    )


def test_api_that_is_away_is_one_clear_line_after_the_summary(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--api-url", "http://127.0.0.1:1", "--retry-seconds", "0"]
    assert run(["replay", file, *options]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("sent 1, received 0, refused 0 in ")
    assert shown.err.startswith("playvitals: the events API at http://127.0.0.1:1 took nothing")
    assert shown.err.count("\n") == 1


def test_broker_that_is_away_is_one_clear_line(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYVITALS_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("PLAYVITALS_BROKER_TIMEOUT_SECONDS", "0.2")
    assert run(["replay", file, "--keep-time"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "127.0.0.1:1" in shown.err
    assert shown.err.count("\n") == 1
