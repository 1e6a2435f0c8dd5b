"""``python -m tools.compile_core``: compiles the code that every event goes through.

mypyc makes C of the typed modules below, and the C compiler of the machine makes extension modules
of that and of the C sources beside them, which Python imports in place of the Python sources.
Without a compiler the sources serve as they are: the same results, at three times the CPU time per
event.
"""

import argparse
import contextlib
import io
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

from app.compiled_core import (
    DIGEST_FILE,
    GROUP,
    PACKAGES,
    ROOT,
    extension_modules,
    sources,
    sources_digest,
)

MODULES = (
    "models/adding.py",
    "models/checked_events.py",
    "models/dimensions.py",
    "models/ended_views.py",
    "models/event_kinds.py",
    "models/event_time.py",
    "models/histogram.py",
    "models/intake.py",
    "models/marks.py",
    "models/murmur2.py",
    "models/playing.py",
    "models/quality.py",
    "models/timestamps.py",
    "models/validation.py",
    "models/views.py",
    "models/wire.py",
    "tables/content_gains.py",
    "tables/counters.py",
    "tables/dedupe.py",
    "tables/late_events.py",
    "tables/marks.py",
    "tables/panes.py",
    "tables/partition.py",
    "tables/rolling.py",
    "tables/saved_sessions.py",
    "tables/session_changes.py",
    "tables/session_log.py",
    "tables/sessions.py",
    "tables/timers.py",
    "tables/view_events.py",
    "tables/view_figures.py",
    "tables/view_lives.py",
    "tables/views.py",
)
"""Functions and classes; the messages of msgspec stay apart: mypyc has no use for them."""

NO_COMPILER = 3
"""Exit code: nothing was compiled, and nothing is wrong with the sources."""


def remove(folder: Path) -> None:
    """Remove what was compiled: the sources serve again."""
    for path in (*extension_modules(folder), folder / DIGEST_FILE):
        path.unlink(missing_ok=True)


def compile_into(folder: Path) -> None:
    """Compile the sources, and put the extension modules into ``folder``, which has the packages.

    Raises:
        SystemExit: mypyc refused a source, or the C compiler failed.
        ModuleNotFoundError: mypyc or setuptools is not installed.
    """
    from mypyc.build import mypycify
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    with TemporaryDirectory() as name, contextlib.chdir(name):
        scratch = Path(name)
        for package in PACKAGES:
            (scratch / package).mkdir()
        for path in sources(ROOT):
            shutil.copy2(path, scratch / path.parent.name)
        extensions = mypycify(
            ["--ignore-missing-imports", *MODULES],
            opt_level="2",
            debug_level="0",
            group_name=GROUP,
            target_dir="c",
        )
        extensions += [
            Extension(f"{path.parent.name}.{path.stem}", [str(path.relative_to(scratch))])
            for path in sources(scratch)
            if path.suffix == ".c"
        ]
        distribution = Distribution({"name": "playvitals-core", "ext_modules": extensions})
        build = build_ext(distribution)
        build.build_lib, build.build_temp = "lib", "o"
        build.parallel = os.cpu_count()
        build.ensure_finalized()
        build.run()
        remove(folder)
        for path in (scratch / "lib").rglob(f"*{suffix}"):
            shutil.copy2(path, folder / path.relative_to(scratch / "lib"))
        (folder / DIGEST_FILE).write_text(sources_digest(scratch) + "\n")


def has_compiler() -> bool:
    """Whether there is a C compiler and Python's own headers."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    return shutil.which(compiler) is not None and header.is_file()


def main() -> int:
    """Compile, or say why not; :data:`NO_COMPILER` where the machine has none."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.compile_core",
        description="Compile the code that every event goes through.",
    )
    parser.add_argument("--into", type=Path, default=ROOT, help="where the packages are")
    parser.add_argument("--remove", action="store_true", help="go back to the sources")
    options = parser.parse_args()
    if options.remove:
        remove(options.into)
        return 0
    if not has_compiler():
        remove(options.into)
        print(
            "compile_core: no C compiler, or no Python.h; on Debian and Ubuntu: "
            "sudo apt-get install gcc libc6-dev python3-dev",
            file=sys.stderr,
        )
        return NO_COMPILER
    print("compile_core: compiling the core, which takes half a minute", flush=True)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            compile_into(options.into)
    except BaseException:
        print(said.getvalue(), file=sys.stderr)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
