"""The image: pinned, small in rights, and holding what the project needs and no more."""

import json
import re
import tomllib

import pytest

from app.cli import COMMANDS
from tests.support.dockerfile import ROOT, is_ignored, stages

BUILD, FINAL = stages()


def project() -> dict[str, object]:
    read: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return read


def test_base_images_are_pinned_to_an_exact_version() -> None:
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", BUILD.image)
    assert FINAL.image == BUILD.image
    assert FINAL.image in FINAL.last("LABEL")


def test_labels_tell_version_and_licence_of_the_project() -> None:
    assert FINAL.variables("ARG")["VERSION"] == project()["version"]
    labels = FINAL.variables("LABEL")
    assert labels["org.opencontainers.image.version"] == "${VERSION}"
    assert labels["org.opencontainers.image.licenses"] == project()["license"]


def test_packages_come_from_the_lock_file_without_those_for_development() -> None:
    runs = [i.text for i in BUILD.instructions if i.keyword == "RUN"]
    syncs = [run for run in runs if "uv sync" in run]
    assert all("--frozen" in run and "--no-dev" in run for run in syncs)
    assert "--group" not in syncs[-1]
    assert any("--require-hashes" in run for run in runs)


def test_core_is_compiled_for_the_python_of_the_image() -> None:
    (compiling,) = (i.text for i in BUILD.instructions if "tools.compile_core" in i.text)
    minor = re.search(r"python:(3\.\d+)", FINAL.image)
    assert minor
    folder = f"/opt/playvitals/lib/python{minor[1]}/site-packages"
    assert compiling.endswith(f"/opt/playvitals/bin/python -m tools.compile_core --into {folder}")


def test_image_runs_as_a_number_that_is_not_root() -> None:
    user, _, group = FINAL.last("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0
    order = [i.keyword for i in FINAL.instructions]
    assert "RUN" not in order[order.index("USER") :]


def test_health_check_uses_what_the_image_has() -> None:
    command = json.loads(FINAL.last("HEALTHCHECK").partition("CMD ")[2])
    assert command == ["python", "-m", "app.probe"]
    assert (ROOT / "app" / "probe.py").is_file()


def test_image_runs_the_console_script_and_is_stopped_as_the_worker_expects() -> None:
    assert json.loads(FINAL.last("ENTRYPOINT")) == ["playvitals"]
    assert FINAL.last("STOPSIGNAL") == "SIGTERM"
    assert FINAL.variables()["PATH"].startswith("/opt/playvitals/bin:")
    assert BUILD.variables()["UV_PROJECT_ENVIRONMENT"] == "/opt/playvitals"


def test_every_package_of_the_project_is_copied() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    copied = {i.text.split()[0] for i in BUILD.instructions if i.keyword == "COPY"}
    assert set(wheel["targets"]["wheel"]["packages"]) <= copied
    assert {module.partition(".")[0] for module in COMMANDS.values()} <= copied


@pytest.mark.parametrize("path", ["app/cli.py", "uv.lock", "models/events.py", "README.md"])
def test_what_the_build_needs_is_not_ignored(path: str) -> None:
    assert not is_ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "models/x.so",
        "tests/conftest.py",
        "app/x.pyc",
        "docs/a",
    ],
)
def test_what_it_does_not_need_is(path: str) -> None:
    assert is_ignored(path)
