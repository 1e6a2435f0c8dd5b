"""The files of the live page, as they go over the wire."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

_FOLDER = "page"
_VENDOR = "vendor"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}
_GZIP_LEVEL = 6


@dataclass(frozen=True)
class PageFile:
    """One file: its bytes, the same with gzip, what they are, and which version of them."""

    content: bytes
    zipped: bytes
    content_type: str
    etag: str


def page_files() -> dict[str, PageFile]:
    """Every file of the page by its path in the folder: ``main.js``, ``vendor/uPlot.esm.js``.

    Read once when the API is wired, so that no path of a request ever reaches the file system.
    """
    return dict(_read(files("app") / _FOLDER, ""))


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, PageFile]]:
    for entry in folder.iterdir():
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_dir():
            if entry.name == _VENDOR:
                yield from _read(entry, f"{prefix}{entry.name}/")
        elif suffix in _CONTENT_TYPES:
            content = entry.read_bytes()
            yield (
                f"{prefix}{entry.name}",
                PageFile(
                    content,
                    gzip.compress(content, _GZIP_LEVEL, mtime=0),
                    _CONTENT_TYPES[suffix],
                    # Weak: it stands for both encodings.
                    f'W/"{sha256(content).hexdigest()[:32]}"',
                ),
            )
