"""The Dockerfile, read, and its instructions carried out below a folder without Docker."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Dockerfile"
IGNORED = ROOT / ".dockerignore"
RUN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: ``COPY`` and the rest of its line."""

    keyword: str
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the build: what it starts from, its name ('' without one), what it does."""

    image: str
    name: str
    instructions: tuple[Instruction, ...]

    def last(self, keyword: str) -> str:
        """The text of the last instruction of this kind."""
        return [found.text for found in self.instructions if found.keyword == keyword][-1]

    def variables(self, keyword: str = "ENV") -> dict[str, str]:
        """What all instructions of this kind set."""
        words = [w for i in self.instructions if i.keyword == keyword for w in shlex.split(i.text)]
        pairs = (word.partition("=") for word in words)
        return {name: value for name, _, value in pairs}


def stages() -> list[Stage]:
    """The stages of the Dockerfile in their order."""
    text = re.sub(r"^#.*\n", "", FILE.read_text(), flags=re.M)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    found: list[tuple[str, str, list[Instruction]]] = []
    for line in filter(str.strip, lines):
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append((image, name, []))
        else:
            found[-1][2].append(Instruction(keyword, rest.strip()))
    return [Stage(image, name, tuple(instructions)) for image, name, instructions in found]


def is_ignored(path: str) -> bool:
    """Whether ``.dockerignore`` keeps a path, relative to the folder of the build, out of it."""
    ignored = False
    for line in IGNORED.read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        kept = pattern.removeprefix("!")
        # A pattern without a folder of its own stands for the folder's contents too.
        names = [path, path.split("/")[0]] if "/" not in kept else [path]
        anywhere = kept.removeprefix("**/")
        hit = any(fnmatch(name, kept) for name in names) or (
            anywhere != kept and any(fnmatch(part, anywhere) for part in path.split("/"))
        )
        if hit:
            ignored = not pattern.startswith("!")
    return ignored


class BuiltStage:
    """A stage whose instructions were carried out with ``root`` in the place of ``/``."""

    def __init__(self, stage: Stage, root: Path) -> None:
        self.root = root
        self._folder = root
        self._environ = {"HOME": str(root), "PATH": f"{_base_image(root)}:/usr/bin:/bin"}
        for instruction in stage.instructions:
            self._carry_out(instruction)

    def path(self, absolute: str) -> Path:
        """Where a path of the image lies."""
        return self.root / absolute.lstrip("/")

    def _carry_out(self, instruction: Instruction) -> None:
        words = shlex.split(instruction.text)
        if instruction.keyword == "ENV":
            pairs = (word.partition("=") for word in words)
            self._environ |= {name: self._moved(value) for name, _, value in pairs}
        elif instruction.keyword == "WORKDIR":
            self._folder = self.path(words[0])
            self._folder.mkdir(parents=True, exist_ok=True)
        elif instruction.keyword == "COPY":
            *sources, target = words
            for source in sources:
                self._copy(source, self._folder / target)
        elif instruction.keyword == "RUN":
            self._run(instruction.text)
        else:
            raise NotImplementedError(instruction.keyword)

    def _copy(self, source: str, target: Path) -> None:
        assert not is_ignored(source), f"{source} is copied and ignored"
        if (ROOT / source).is_dir():
            shutil.copytree(
                ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__", "*.so")
            )
        else:
            shutil.copy(ROOT / source, target)

    def _run(self, command: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own Dockerfile
            ["/bin/sh", "-c", self._moved(command)],
            cwd=self._folder,
            env={**_network_settings(os.environ), **self._environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout.decode()}"

    def _moved(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/opt/", f"{self.root}/opt/", text)


def _base_image(root: Path) -> Path:
    """A folder with what the base image has: a ``python`` that is not that of the tests.

    Debian packages are not installed anew: the machine's own compiler serves.
    """
    folder = root / "bin"
    folder.mkdir(parents=True)
    real = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    for name, script in (("python", f'exec {real} "$@"'), ("apt-get", "exit 0")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def _network_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """How packages are reached from this machine; a build gets the same by other means."""
    wanted = re.compile(r"(PIP|UV)_.*(INDEX|URL|CERT|HOST).*|SSL_CERT_\w+|\w+_proxy", re.I)
    return {name: value for name, value in environ.items() if wanted.fullmatch(name)}
