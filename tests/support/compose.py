"""The compose file, as Docker Compose would read it."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
ENV_EXAMPLE = ROOT / ".env.example"
TOOL_SECONDS = 60.0

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def services(variables: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Every service by its name, with ``${NAME:-default}`` replaced as Docker Compose does."""
    given = variables or {}
    text = _VARIABLE.sub(lambda found: given.get(found[1]) or found[2], FILE.read_text())
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def environ(service: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a service, as its process sees it."""
    values: Mapping[str, Any] = service.get("environment") or {}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def variables() -> dict[str, str]:
    """The default of every variable that the compose file reads from ``.env``."""
    return dict(_VARIABLE.findall(FILE.read_text()))


def example_variables() -> dict[str, str]:
    """What ``.env.example`` sets."""
    lines = re.findall(r"^(\w+)=(.*)$", ENV_EXAMPLE.read_text(), re.M)
    return dict(lines)


def compose_tool() -> list[str] | None:
    """Docker Compose as it is installed here, the plugin or the program alone; None without."""
    if (docker := shutil.which("docker")) is not None:
        asked = subprocess.run(  # noqa: S603 - the program found above
            [docker, "compose", "version"], capture_output=True, timeout=TOOL_SECONDS, check=False
        )
        if asked.returncode == 0:
            return [docker, "compose"]
    alone = shutil.which("docker-compose")
    return None if alone is None else [alone]


def seconds(duration: str) -> int:
    """A duration of the compose file in seconds: ``15s``, ``1m``."""
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def on_loopback(text: str, ports: Mapping[str, int]) -> str:
    """``text`` with every host and port that ``ports`` knows replaced by that port of loopback.

    ``kafka:9092`` becomes ``127.0.0.1:31001``, and so does ``0.0.0.0:9092`` and ``:9092``.
    """

    def replace(found: re.Match[str]) -> str:
        separator, port = found[1], found[2]
        return f"127.0.0.1{separator}{ports[port]}" if port in ports else found[0]

    return re.sub(r"(?:[\w.]+)?([:/])(\d{4})\b", replace, text)
