"""Settings from the environment: defaults, values, refusals."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Address, Window, load_settings
from models.errors import SettingsError


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings({})
    assert settings.embedded
    assert settings.bootstrap_servers == "127.0.0.1:19092"
    assert settings.api_address == Address("127.0.0.1", 8080)
    assert settings.metrics_address == Address("127.0.0.1", 6066)
    assert settings.environment == "test"
    assert settings.api_keys == ("pk_test_demo", "sk_test_demo")
    assert settings.topic("events.raw") == "playvitals.events.raw"
    assert settings.partitions == 12
    assert [(w.label, w.seconds) for w in settings.windows] == [
        ("1m", 60),
        ("5m", 300),
        ("15m", 900),
        ("1h", 3600),
    ]
    assert settings.dedupe_hours == 24
    assert settings.unknown_variables == ()


def test_a_named_kafka_turns_off_the_demo_defaults() -> None:
    settings = load_settings({"PLAYVITALS_KAFKA": "kafka-1:9092,kafka-2:9092"})
    assert not settings.embedded
    assert settings.bootstrap_servers == "kafka-1:9092,kafka-2:9092"
    assert settings.environment == "live"
    assert settings.api_keys == ()


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"PLAYVITALS_KAFKA": " ", "PLAYVITALS_PARTITIONS": ""}) == load_settings(
        {}
    )


def test_windows_are_sorted_by_length() -> None:
    windows = load_settings({"PLAYVITALS_WINDOWS": "2h, 90s,1m"}).windows
    assert windows == (Window("1m", 60), Window("90s", 90), Window("2h", 7200))


def test_keys_stay_out_of_the_text_of_the_settings() -> None:
    assert "pk_test_demo" not in repr(load_settings({}))


def test_a_misspelt_variable_is_reported_and_those_of_the_tests_are_not() -> None:
    settings = load_settings(
        {"PLAYVITALS_KAFAK": "x", "PLAYVITALS_TEST_DATA": "y", "OTHER_KAFKA": "z"}
    )
    assert settings.unknown_variables == ("PLAYVITALS_KAFAK",)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_settings({}).partitions = 3  # type: ignore[misc]


@given(st.text(max_size=30))
def test_any_address_is_either_read_or_refused(text: str) -> None:
    try:
        address = load_settings({"PLAYVITALS_API_ADDRESS": text}).api_address
    except SettingsError:
        return
    assert 0 < address.port < 65536
    assert address.host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
        ("localhost:8080", "http://localhost:8080"),
    ],
)
def test_the_url_of_an_address_can_be_opened_on_the_same_machine(text: str, url: str) -> None:
    assert load_settings({"PLAYVITALS_API_ADDRESS": text}).api_address.url == url


def test_an_ipv6_address_survives_the_round_trip() -> None:
    assert str(load_settings({"PLAYVITALS_API_ADDRESS": "[::1]:8080"}).api_address) == "[::1]:8080"
