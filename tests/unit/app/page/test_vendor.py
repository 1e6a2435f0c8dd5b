"""What is not ours in the page is what its authors published, byte for byte."""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

VENDOR = Path(__file__).parents[4] / "app" / "page" / "vendor"

PACKAGE = "uplot@1.6.32"
INTEGRITY = (
    "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/"
    "ep3tOkyTxpiQIw=="
)
ORIGINALS = {
    "uPlot.esm.js": "package/dist/uPlot.esm.js",
    "uPlot.min.css": "package/dist/uPlot.min.css",
    "uPlot.LICENSE": "package/LICENSE",
}


def test_vendored_files_are_those_of_the_package(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm, to fetch the package that is vendored")
    packed = subprocess.run(  # noqa: S603 - npm as it was found, with arguments of our own
        [npm, "pack", "--json", "--cache", str(tmp_path / "cache"), PACKAGE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    archive = tmp_path / json.loads(packed.stdout)[0]["filename"]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == INTEGRITY
    with tarfile.open(archive) as package:
        for name, original in ORIGINALS.items():
            member = package.extractfile(original)
            assert member is not None
            assert (VENDOR / name).read_bytes() == member.read(), name
    assert {path.name for path in VENDOR.iterdir()} == set(ORIGINALS)


def test_version_that_the_file_names_is_the_one_that_is_pinned() -> None:
    head = (VENDOR / "uPlot.esm.js").read_text()[:400]
    assert f"(v{PACKAGE.partition('@')[2]})" in head
