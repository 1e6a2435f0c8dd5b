"""A deployment for tests: topics of its own on a broker, a real worker process, its metrics."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from app.child_process import ChildProcess
from app.settings import load_settings
from app.topics import ensure_topics
from tests.support.waiting import WaitedInVainError, until

COMMAND = (sys.executable, "-P", "-m", "app.cli")

Samples = Mapping[tuple[str, ...], float]


def ledger_imbalances(samples: Samples) -> list[float]:
    """Those of the partitions that the worker owns."""
    return [value for key, value in samples.items() if key[0] == "playvitals_ledger_imbalance"]


class Deployment:
    """One topic prefix on a broker, and the worker that serves it."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.settings = load_settings(environ)

    async def command(self, *arguments: str) -> str:
        """Run a ``playvitals`` command to its end; its standard output."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, env=self.environ, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    @asynccontextmanager
    async def worker(self, *, history: bool = True) -> AsyncIterator[ChildProcess]:
        """Run a worker, on topics for a history or for live events; entered once it is ready."""
        await ensure_topics(self.settings, history=history)
        process = await ChildProcess.start("worker", (*COMMAND, "worker"), self.environ, sys.stderr)
        try:
            await until(self._is_ready, "the worker is ready")
            yield process
        finally:
            await process.stop(5)

    async def _is_ready(self) -> bool:
        try:
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"{self.settings.metrics_address.url}/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    async def metrics(self) -> Samples:
        """Every sample by its name and the values of its labels, these in the order of names."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.settings.metrics_address.url}/metrics")
        return {
            (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    async def until_metrics(self, holds: Callable[[Samples], bool], what: str) -> Samples:
        """The metrics as soon as ``holds`` says so of them."""
        samples: Samples = {}

        async def is_so() -> bool:
            nonlocal samples
            samples = await self.metrics()
            return holds(samples)

        try:
            await until(is_so, what)
        except WaitedInVainError as error:
            raise WaitedInVainError(f"{error}: {samples}") from None
        return samples

    async def read(self, name: str) -> list[ConsumerRecord]:
        """The records of a topic up to its end, partition by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            topic = self.settings.topic(name)
            partitions = [TopicPartition(topic, n) for n in range(self.settings.partitions)]
            consumer.assign(partitions)
            found: list[ConsumerRecord] = []
            while True:
                batch = await consumer.getmany(timeout_ms=500)
                found += [record for records in batch.values() for record in records]
                ends = [consumer.highwater(tp) for tp in partitions]
                reached = [await consumer.position(tp) for tp in partitions]
                if None not in ends and ends == reached:
                    return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()
