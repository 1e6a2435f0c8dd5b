"""The command line: help, version, and how each kind of failure ends."""

import importlib

import click
import pytest

from app import cli
from app.commands.up import first_curl, welcome
from app.settings import load_settings
from models.errors import OperatorError, SettingsError


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    @click.command()
    def broken() -> None:
        raise error

    monkeypatch.setattr(cli.cli, "get_command", lambda _context, _name: broken)
    return cli.run(["broken"])


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_each_command_says_what_it_does_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"Usage: playvitals {command}" in out
    assert "Example" in out
    assert f"playvitals {command}" in out.split("Example")[1]


def test_help_lists_every_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["--help"]) == 0
    listing = capsys.readouterr().out.split("Commands:")[1]
    for command in cli.COMMANDS:
        assert f"\n  {command} " in listing


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == "playvitals 0.1.0\n"


@pytest.mark.parametrize("arguments", [["unknown"], ["up", "--unknown"], ["topics", "unknown"]])
def test_a_usage_error_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    assert "unknown" in capsys.readouterr().err


def test_an_unusable_setting_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYVITALS_PARTITIONS", "many")
    assert cli.run(["topics", "check"]) == 2
    assert capsys.readouterr().err == (
        "playvitals: PLAYVITALS_PARTITIONS='many': expected an integer from 1 to 1000\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OperatorError("the port is taken"), 1, "the port is taken"),
        (OperatorError("two\nlines"), 1, "two lines"),
        (SettingsError("no such window"), 2, "no such window"),
        (KeyError("who"), 1, "KeyError: 'who'"),
        (TimeoutError(), 1, "TimeoutError"),
        (ExceptionGroup("tasks", [ExceptionGroup("more", [OSError("disk")])]), 1, "OSError: disk"),
    ],
)
def test_a_failure_is_one_line_on_standard_error(
    error: Exception,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert failing_with(error, monkeypatch) == code
    captured = capsys.readouterr()
    assert captured.err == f"playvitals: {line}\n"
    assert captured.out == ""


def test_the_traceback_is_shown_when_debugging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYVITALS_LOG_LEVEL", "debug")
    assert failing_with(ValueError("odd"), monkeypatch) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("playvitals: ValueError: odd\n")


def test_an_interrupted_command_is_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing_with(KeyboardInterrupt(), monkeypatch) == 130
    assert capsys.readouterr().err.strip() == ""


def test_a_misspelt_variable_is_warned_about_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = importlib.import_module("app.commands.common")
    common.read_settings({"PLAYVITALS_KAFAK": "x"})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "PLAYVITALS_KAFAK" in lines[0]


def test_the_welcome_names_every_address_and_a_curl_on_one_line() -> None:
    text = welcome(load_settings({"PLAYVITALS_API_ADDRESS": "0.0.0.0:8123"}))
    assert "http://127.0.0.1:8123" in text
    assert "live page   http://127.0.0.1:8123/\n" in text
    assert "http://127.0.0.1:6066/metrics" in text
    assert "127.0.0.1:19092" in text
    curl = next(line for line in text.splitlines() if line.startswith("curl "))
    assert "Bearer pk_test_demo" in curl
    assert '"event":"playStart"' in curl


def test_the_welcome_tells_where_the_other_workers_are() -> None:
    settings = load_settings({})
    assert "http://127.0.0.1:6066/metrics\n" in welcome(settings)
    assert "http://127.0.0.1:6066/metrics  (and the 2 ports after it, one per worker)\n" in welcome(
        settings, workers=3
    )


def test_more_workers_than_partitions_exit_with_2_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYVITALS_PARTITIONS", "2")
    assert cli.run(["up", "--workers", "3"]) == 2
    captured = capsys.readouterr()
    assert "3 workers for PLAYVITALS_PARTITIONS=2" in captured.err
    assert captured.out == ""


def test_the_welcome_does_not_show_a_real_key() -> None:
    settings = load_settings(
        {"PLAYVITALS_KAFKA": "kafka:9092", "PLAYVITALS_API_KEYS": "pk_live_secret"}
    )
    assert "pk_live_secret" not in welcome(settings)
    assert "Bearer pk_live_YOUR_KEY" in first_curl(settings)
