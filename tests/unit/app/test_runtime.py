import json
import subprocess
import sys

PROGRAM = """
import asyncio, gc, json
from app.runtime import tune_runtime
tune_runtime()
loop = asyncio.new_event_loop()
print(json.dumps([type(loop).__module__, gc.get_freeze_count() > 0, gc.get_threshold()[0]]))
loop.close()
"""


def test_every_loop_is_uvloop_and_the_collector_is_calm() -> None:
    # In a process of its own: it changes the interpreter.
    output = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True
    ).stdout
    assert json.loads(output) == ["uvloop", True, 100_000]
