"""What every setting refuses: one line that names it, exit code 2, and never a traceback."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import cli
from app.setting_values import Address
from app.settings import load_settings
from models.errors import SettingsError

DOCUMENTED = re.findall(
    r"^\| `PLAYVITALS_([A-Z_]+)` \|",
    (Path(__file__).parents[3] / "docs/configuration.md").read_text(),
    re.MULTILINE,
)

NO_LIST = [",", ", ,", "{0},", ",{0}", "{0},,{1}", "{0},{0}", "{0};{1}", "{0} {1}"]


def lists(first: str, second: str) -> list[str]:
    """Lists of two good values that are malformed."""
    return [text.format(first, second) for text in NO_LIST]


NO_ADDRESS = [
    *("localhost", "8080", ":8080", "localhost:", "localhost:0", "localhost:70000"),
    *("localhost:-1", "localhost:+80", "localhost:80x", "localhost:٨٠", "localhost:1:2"),
    *("http://localhost:80", "localhost:80/", "local host:80", "user@host:80", "localhost :80"),
    *("::1:8080", "[::1]", "[::1:80", "::1]:80", "[::1]x:80", "[]:80", "[localhost]:80"),
    *(
        "[127.0.0.1]:80",
        "256.1.1.1:80",
        "127.1:80",
        "-host:80",
        "h:" + "9" * 5000,
        "h" * 999 + ":1",
    ),
    "localhost:80\x00",
]


def numbers(low: int, high: int) -> list[str]:
    """What is no whole number from ``low`` to ``high``."""
    near = [str(low - 1), str(high + 1), f"-{high}", f"+{high}", f"{high}.0", f"{high}e0"]
    odd = ["many", "0x1F", "1_0", "٣", "³", "nan", "inf", "1 0", "9" * 20, "9" * 5000, "None"]
    return near + odd


UNUSABLE = {
    "KAFKA": [*NO_ADDRESS, *lists("a:9092", "b:9092"), "a:9092,b", "a:9092,b:0", "a,b:9092"],
    "EMBEDDED_KAFKA_ADDRESS": NO_ADDRESS,
    "API_ADDRESS": NO_ADDRESS,
    "METRICS_ADDRESS": NO_ADDRESS,
    "TOPIC_PREFIX": ["play vitals", "a/b", "é", "a,b", "x" * 101, "a\nb", "*"],
    "PARTITIONS": numbers(1, 1000),
    "ENVIRONMENT": ["staging", "live,test", "live test", "1"],
    "API_KEYS": [
        *lists("pk_test_a", "sk_test_b"),
        *("pk_test_", "pk_a", "xk_live_a", "pk_live_a b", "PK_LIVE_a", "pk_live_é"),
        "pk_live_" + "x" * 129,
    ],
    "CORS_ORIGINS": [
        *lists("https://a.example", "https://b.example"),
        *("a.example", "https://", "https://a.example/", "https://a.example/x", "https:a.example"),
        *("*,https://a.example", "**", "*.a.example", "https://*.a.example", "null"),
        *("https://a.example:0", "https://a.example:70000", "https://a.example:", "https://[::1"),
        "https://user@a.example",
    ],
    "MAX_BODY_BYTES": numbers(1024, 1 << 26),
    "MAX_BATCH_EVENTS": numbers(1, 10_000),
    "RATE_LIMIT_PER_MINUTE": numbers(1, 1_000_000_000),
    "BROKER_TIMEOUT_SECONDS": [
        *("0", "0.05", "-1", "60.1", "61", "nan", "inf", "1e1", "1_0", "٣", ".5", "4.", "4s"),
        *("four", "1,5", "9" * 400),
    ],
    "CATALOGUE_TOPIC": ["cms contents", "a/b", "é", "a,b", "x" * 250, "*", ".", ".."],
    "CATALOGUE_CONTENTS": numbers(1, 100_000_000),
    "LIVE_STREAMS": numbers(0, 10_000),
    "WINDOWS": [
        *lists("1m", "5m"),
        *("5", "m", "0m", "-1m", "1d", "1M", "1.5m", "5 m", "15s", "25h", "1441m", "999999h"),
        *("60s,1m", "٣m", "9999999s", "1m,2m,3m,4m,5m,6m,7m,8m,9m"),
    ],
    "DIMENSIONS": [*lists("cdn", "codec")[1:], "contentId", "CDN", "cdn,all", "none"],
    "DEDUPE_HOURS": numbers(1, 168),
    "VIEW_TIMEOUT_SECONDS": numbers(10, 86_400),
    "STRAGGLER_SECONDS": numbers(0, 600),
    "OPEN_VIEWS": numbers(1, 100_000_000),
    "VIEWS_PER_VIEWER": numbers(10, 1_000_000),
    "GRACE_SECONDS": numbers(0, 86_400),
    "TICK_SECONDS": numbers(1, 3_600),
    "FOLD_RECORDS": numbers(1, 10_000),
    "CHECKPOINT_SECONDS": numbers(1, 3_600),
    "STALL_SECONDS": numbers(10, 3_600),
    "SESSION_TIMEOUT_SECONDS": numbers(3, 300),
    "REBALANCE_TIMEOUT_SECONDS": numbers(3, 600),
    "LOG_LEVEL": ["loud", "warn", "30", "debug,info"],
}
"""Values by setting that cannot be used."""


def test_every_documented_setting_is_in_the_table() -> None:
    assert sorted(UNUSABLE) == sorted(DOCUMENTED)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, unusable in UNUSABLE.items() for value in unusable]
)
def test_unusable_value_is_refused_with_what_was_expected(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match="expected") as caught:
        load_settings({f"PLAYVITALS_{name}": value})
    message = str(caught.value)
    assert message.startswith(f"PLAYVITALS_{name}")
    assert len(message) < 500
    assert message.isprintable()


@pytest.mark.parametrize("name", sorted(UNUSABLE))
def test_command_with_an_unusable_setting_ends_with_2_and_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"PLAYVITALS_{name}", UNUSABLE[name][0])
    assert cli.run(["topics", "check"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"playvitals: PLAYVITALS_{name}")
    assert captured.err.count("\n") == 1


_texts = st.text(max_size=40) | st.text("0123456789:,.[]*smh/ -_kpteslivab", max_size=40)


@given(st.sampled_from(DOCUMENTED), _texts)
def test_any_text_is_a_value_or_refused(name: str, text: str) -> None:
    with suppress(SettingsError):
        load_settings({f"PLAYVITALS_{name}": text})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:1", Address("localhost", 1)),
        ("kafka_1.internal-net:65535", Address("kafka_1.internal-net", 65535)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),  # noqa: S104 - read, not bound
        ("[::]:8080", Address("::", 8080)),
        ("[fe80::1%eth0]:8080", Address("fe80::1%eth0", 8080)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    settings = load_settings({"PLAYVITALS_API_ADDRESS": text})
    assert settings.api_address == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("kafka:9092", "kafka:9092"),
        (" kafka-1:9092 , 10.0.0.2:9092,[::1]:9092 ", "kafka-1:9092,10.0.0.2:9092,[::1]:9092"),
    ],
)
def test_bootstrap_servers(text: str, servers: str) -> None:
    assert load_settings({"PLAYVITALS_KAFKA": text}).bootstrap_servers == servers


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("*", ("*",)),
        ("https://App.example", ("https://app.example",)),
        (
            "http://localhost:3000, capacitor://localhost,http://[::1]:80",
            ("http://localhost:3000", "capacitor://localhost", "http://[::1]:80"),
        ),
    ],
)
def test_origins_are_as_browsers_write_them(text: str, origins: tuple[str, ...]) -> None:
    assert load_settings({"PLAYVITALS_CORS_ORIGINS": text}).cors_origins == origins


def test_comma_alone_is_no_dimension_at_all() -> None:
    assert load_settings({"PLAYVITALS_DIMENSIONS": " , "}).dimensions == ()


@pytest.mark.parametrize("text", ["pk_live_a,hunter2", "sk_live_a,sk_live_a", "sk_live_a,"])
def test_refused_keys_stay_out_of_the_message(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"PLAYVITALS_API_KEYS": text})
    assert "hunter2" not in str(caught.value)
    assert "live_a" not in str(caught.value)


@pytest.mark.parametrize(("text", "seconds"), [("4", 4.0), ("0.1", 0.1), ("60", 60.0)])
def test_seconds_may_have_a_fraction(text: str, seconds: float) -> None:
    assert load_settings({"PLAYVITALS_BROKER_TIMEOUT_SECONDS": text}).broker_timeout_seconds == (
        seconds
    )
