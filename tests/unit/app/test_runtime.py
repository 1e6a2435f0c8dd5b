import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.compiled_core import COMPILED, require_current_core

LOOP_AND_COLLECTOR = """
import asyncio, gc, json
from app.runtime import tune_runtime
tune_runtime()
loop = asyncio.new_event_loop()
print(json.dumps([type(loop).__module__, gc.get_freeze_count() > 0, gc.get_threshold()[0]]))
loop.close()
"""
SMALL_OBJECTS = """
import json, sys
from pathlib import Path
from app.runtime import tune_runtime

def memory():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    fields = dict(line.split(":") for line in lines)
    return [int(fields[name].split()[0]) // 1024 for name in ("Rss", "AnonHugePages")]

tune_runtime(huge_pages=sys.argv[1] == "yes")
before = memory()
objects = [bytes(400) for _ in range(250_000)]
full = memory()
# Every third is kept: memory goes back and is taken again, in arenas that were there before too.
for _ in range(5):
    objects = objects[::3]
    objects += [bytes(400) for _ in range(250_000 - len(objects))]
assert all(item == bytes(400) for item in objects)
del objects
print(json.dumps([before, full, memory()]))
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc says where memory is")
SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def run(program: str, *arguments: str) -> Any:
    """In a process of its own: it changes the interpreter."""
    output = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True
    ).stdout
    return json.loads(output)


def test_every_loop_is_uvloop_and_the_collector_is_calm() -> None:
    assert run(LOOP_AND_COLLECTOR) == ["uvloop", True, 100_000]


@on_linux
def test_small_objects_are_in_huge_pages_where_the_system_has_them() -> None:
    before, full, after = run(SMALL_OBJECTS, "yes")
    grown_mib = full[0] - before[0]
    assert 90 < grown_mib < 150
    offered = SETTING.is_file() and "[never]" not in SETTING.read_text()
    if offered and require_current_core() == COMPILED:
        assert full[1] > grown_mib / 2
    # All but what is kept for the next time went back.
    assert after[0] < before[0] + 32 + 15


@on_linux
def test_small_objects_are_where_python_has_them_without_huge_pages() -> None:
    before, full, _ = run(SMALL_OBJECTS, "no")
    assert 90 < full[0] - before[0] < 150
    if SETTING.is_file() and "[always]" not in SETTING.read_text():
        assert full[1] == 0
