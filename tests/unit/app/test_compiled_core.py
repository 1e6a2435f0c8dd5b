"""Whether the core runs compiled, and from the sources that are there."""

import importlib
import shutil
import sysconfig
from pathlib import Path

import pytest

from app.compiled_core import (
    COMPILED,
    DIGEST_FILE,
    INTERPRETED,
    PACKAGES,
    ROOT,
    extension_modules,
    require_current_core,
    sources_digest,
)
from models.errors import OperatorError
from tools.compile_core import MODULES, remove

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sources, with something compiled beside them, and its digest."""
    for package in PACKAGES:
        sources = tmp_path / package
        sources.mkdir()
        for path in (ROOT / package).glob("*.py"):
            shutil.copy(path, sources)
    (tmp_path / "models" / f"views{SUFFIX}").touch()
    (tmp_path / DIGEST_FILE).write_text(sources_digest(tmp_path) + "\n")
    return tmp_path


def test_core_from_the_sources_that_are_there_is_good(folder: Path) -> None:
    assert require_current_core(folder) == COMPILED


def test_extension_modules_of_others_are_left_alone(folder: Path) -> None:
    other = folder / f"_cffi_backend{SUFFIX}"
    other.touch()
    remove(folder)
    assert other.exists()
    assert require_current_core(folder) == INTERPRETED


def test_sources_serve_where_nothing_was_compiled(folder: Path) -> None:
    remove(folder)
    assert not extension_modules(folder)
    assert not (folder / DIGEST_FILE).exists()
    assert require_current_core(folder) == INTERPRETED


@pytest.mark.parametrize("change", ["edit", "rename", "no digest"])
def test_core_from_other_sources_is_refused_with_what_to_do(folder: Path, change: str) -> None:
    source = folder / "tables" / "views.py"
    if change == "edit":
        source.write_text(source.read_text() + "\n")
    elif change == "rename":
        source.rename(folder / "tables" / "view.py")
    else:
        (folder / DIGEST_FILE).unlink()
    with pytest.raises(OperatorError, match="make setup"):
        require_current_core(folder)


def test_all_of_the_core_is_compiled_or_nothing() -> None:
    """What these tests run: a module that stayed behind would be slow and say nothing."""
    expected = SUFFIX if require_current_core() == COMPILED else ".py"
    for module in MODULES:
        name = module.removesuffix(".py").replace("/", ".")
        origin = importlib.import_module(name).__file__
        assert origin is not None
        assert origin.endswith(expected), name
