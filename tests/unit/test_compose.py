"""The compose file: pinned, small in rights, bounded, watched, and true to the settings."""

import re
import subprocess
from dataclasses import fields
from typing import Any

import pytest
import yaml

from app.cli import COMMANDS
from app.settings import PREFIX, Settings, load_settings
from tests.support.compose import (
    ENV_EXAMPLE,
    FILE,
    ROOT,
    TOOL_SECONDS,
    compose_tool,
    environ,
    example_variables,
    seconds,
    services,
    variables,
)
from tests.support.dockerfile import stages

SERVICES = services()
OURS = [name for name, service in SERVICES.items() if "build" in service]
LASTING = [name for name, service in SERVICES.items() if service["restart"] != "no"]
SETTINGS = {PREFIX + field.name.upper() for field in fields(Settings)} - {
    f"{PREFIX}UNKNOWN_VARIABLES"
}

every_service = pytest.mark.parametrize("name", SERVICES)
every_lasting_service = pytest.mark.parametrize("name", LASTING)
every_service_of_ours = pytest.mark.parametrize("name", OURS)


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Source, target and mode of every mount."""
    parts = (volume.split(":") for volume in service.get("volumes", []))
    return [(source, target, (*mode, "rw")[0]) for source, target, *mode in parts]


def test_the_stack_is_whole() -> None:
    assert set(SERVICES) == {
        *("kafka", "topics", "api", "worker"),
        *("prometheus", "alertmanager", "grafana"),
    }


@every_service
def test_image_has_an_exact_tag(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    pom = (ROOT / "tests" / "kafka" / "pom.xml").read_text()
    version = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)<", pom)
    assert version is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"


@every_service_of_ours
def test_our_image_has_the_version_of_the_project(name: str) -> None:
    assert SERVICES[name]["image"] == f"playvitals:{stages()[-1].variables('ARG')['VERSION']}"


@every_service
def test_no_service_has_the_rights_of_root(name: str) -> None:
    service = SERVICES[name]
    user = service["user"].split(":")[0]
    assert user not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True


@every_service_of_ours
def test_our_services_run_as_the_user_of_the_image(name: str) -> None:
    assert SERVICES[name]["user"] == stages()[-1].last("USER")


@every_service
def test_every_service_has_limits(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["cpus"] <= 2
    assert service["pids_limit"] > 0
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


@every_lasting_service
def test_every_lasting_service_has_a_health_check_and_is_started_again(name: str) -> None:
    service = SERVICES[name]
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert 0 < seconds(check["timeout"]) <= seconds(check["interval"])
    assert {"start_period", "retries"} <= set(check)
    assert service["restart"] == "unless-stopped"


@every_lasting_service
def test_health_checks_ask_the_port_that_the_service_has(name: str) -> None:
    service = SERVICES[name]
    (asked,) = re.findall(r"127\.0\.0\.1[:/](\d+)", service["healthcheck"]["test"][-1])
    values = environ(service)
    ours = {values[key].rpartition(":")[2] for key in values if key.endswith("_ADDRESS")}
    exposed = {port.rpartition(":")[2] for port in service.get("ports", [])}
    listened = set(re.findall(r":(\d+)", values.get("KAFKA_LISTENERS", "")))
    assert asked in ours | exposed | listened


def test_services_start_after_what_they_need() -> None:
    healthy = {"condition": "service_healthy"}
    done = {"condition": "service_completed_successfully"}
    assert SERVICES["topics"]["depends_on"] == {"kafka": healthy}
    assert SERVICES["api"]["depends_on"] == {"topics": done}
    assert SERVICES["worker"]["depends_on"] == {"topics": done}
    assert SERVICES["grafana"]["depends_on"] == {"prometheus": healthy}


def test_worker_has_the_time_to_make_its_last_checkpoint() -> None:
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > 10


def test_workers_can_be_more_than_one() -> None:
    worker = SERVICES["worker"]
    assert "ports" not in worker
    assert "container_name" not in worker


@every_service
def test_ports_are_published_on_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@every_service_of_ours
def test_every_setting_exists(name: str) -> None:
    assert set(environ(SERVICES[name])) <= SETTINGS


@every_service_of_ours
def test_every_setting_can_be_read_as_it_is(name: str) -> None:
    settings = load_settings(environ(SERVICES[name]))
    assert settings.kafka == "kafka:9092"
    assert settings.unknown_variables == ()
    assert SERVICES[name]["command"][0] in COMMANDS


def test_demo_keys_are_for_the_environment_that_the_api_serves() -> None:
    settings = load_settings(environ(SERVICES["api"]))
    assert settings.environment == "test"
    assert {key.split("_")[1] for key in settings.api_keys} == {"test"}


def test_all_processes_of_a_deployment_have_the_same_settings_but_for_their_own() -> None:
    ours = [environ(SERVICES[name]) for name in OURS]
    shared = set.intersection(*(set(values) for values in ours))
    assert {"PLAYVITALS_KAFKA", "PLAYVITALS_PARTITIONS"} <= shared
    for key in shared:
        assert len({values[key] for values in ours}) == 1


@every_service
def test_every_mounted_file_exists_and_cannot_be_written(name: str) -> None:
    for source, _, mode in mounts(SERVICES[name]):
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == "ro"


def test_every_volume_is_declared_and_used() -> None:
    used = {
        source for s in SERVICES.values() for source, *_ in mounts(s) if not source.startswith(".")
    }
    assert used == set(yaml.safe_load(FILE.read_text())["volumes"])


def test_example_of_env_lists_every_variable_with_its_default() -> None:
    # The name of the project is a variable of Docker Compose itself.
    expected = variables() | {"COMPOSE_PROJECT_NAME": "playvitals"}
    assert example_variables() == expected


def test_env_stays_out_of_the_repository() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("arguments", [[], ["--env-file", str(ENV_EXAMPLE)]], ids=["bare", "env"])
def test_docker_compose_reads_the_file_as_the_tests_do(arguments: list[str]) -> None:
    tool = compose_tool()
    if tool is None:
        pytest.skip("Docker Compose is not installed; no engine is needed")
    read = subprocess.run(  # noqa: S603 - the program found above, our own file
        [*tool, *arguments, "--file", str(FILE), "config"],
        capture_output=True,
        timeout=TOOL_SECONDS,
        check=False,
    )
    assert read.returncode == 0, read.stderr.decode()
    theirs = yaml.safe_load(read.stdout)["services"]
    assert set(theirs) == set(SERVICES)
    for name, service in SERVICES.items():
        assert theirs[name]["image"] == service["image"]
        assert theirs[name].get("command") == service.get("command")
        assert environ(theirs[name]) == environ(service)
