"""Whether the per-event code runs compiled, and whether what was compiled is what the sources say.

``tools/compile_core.py`` puts extension modules beside the sources of ``models`` and ``tables``.
Python prefers them to the sources, to those that were edited since as well.
"""

import sysconfig
from hashlib import blake2b
from pathlib import Path

from models.errors import OperatorError

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "tables")
GROUP = "playvitals_core"
_SUFFIX: str = sysconfig.get_config_var("EXT_SUFFIX")
DIGEST_FILE = f"{GROUP}{_SUFFIX}.digest"
"""Beside the packages: the digest of the sources that were compiled for this Python."""

COMPILED = "compiled"
INTERPRETED = "interpreted"


def extension_modules(folder: Path) -> list[Path]:
    """What was compiled for this Python, in a folder that has the packages, and maybe others."""
    patterns = (f"{GROUP}__mypyc{_SUFFIX}", *(f"{package}/*{_SUFFIX}" for package in PACKAGES))
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def sources(folder: Path) -> list[Path]:
    """Everything that the compiled core is made of, in a folder that has the packages."""
    return [
        path
        for package in PACKAGES
        for suffix in ("py", "c")
        for path in sorted((folder / package).glob(f"*.{suffix}"))
    ]


def sources_digest(folder: Path) -> str:
    """Tells one state of the sources from another, in hexadecimal."""
    digest = blake2b(digest_size=16)
    for path in sources(folder):
        digest.update(f"{path.parent.name}/{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def require_current_core(folder: Path = ROOT) -> str:
    """:data:`COMPILED` or :data:`INTERPRETED`, whichever this process runs.

    Raises:
        OperatorError: what was compiled is from other sources.
    """
    if not extension_modules(folder):
        return INTERPRETED
    kept = folder / DIGEST_FILE
    if not kept.is_file() or kept.read_text().strip() != sources_digest(folder):
        raise OperatorError(
            f"the compiled core in {folder} is not from the sources beside it; run `make setup` "
            "to compile it again, or `python -m tools.compile_core --remove` to do without"
        )
    return COMPILED
