"""``python -m tests.on_kafka COMMAND …``: run a command beside a real Kafka of its own.

One broker from Apache Kafka's artifacts (Java and Maven needed), on a free port of loopback, empty
and gone when the command ends. The command finds it in PLAYVITALS_KAFKA; its exit code is ours.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from app.ports import free_port_pair
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_node import missing_tools


async def run_on_kafka(command: Sequence[str]) -> int:
    """The exit code of the command."""
    with TemporaryDirectory(prefix="playvitals-kafka-") as folder:
        async with kafka_cluster(Path(folder), free_port_pair) as cluster:
            environ = os.environ | {"PLAYVITALS_KAFKA": cluster.bootstrap_servers}
            process = await asyncio.create_subprocess_exec(*command, env=environ)
            try:
                return await process.wait()
            finally:
                if process.returncode is None:
                    process.terminate()
                    await process.wait()


def main(command: Sequence[str]) -> int:
    """Run it, if there is one and a Kafka can be had."""
    if not command:
        print("usage: python -m tests.on_kafka COMMAND …", file=sys.stderr)
        return 2
    if missing := missing_tools():
        print(f"the broker needs {' and '.join(missing)}", file=sys.stderr)
        return 2
    return asyncio.run(run_on_kafka(command))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
