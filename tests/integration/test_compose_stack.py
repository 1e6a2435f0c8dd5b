"""The compose file's services without Docker: the image's commands on the broker it configures."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.child_process import ChildProcess
from app.topics import NAMES
from tests.support.compose import environ, on_loopback, seconds, services
from tests.support.compose_kafka import compose_kafka
from tests.support.dockerfile import BuiltStage, stages
from tests.support.kafka_node import missing_tools
from tests.support.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SERVICES = services()


class Image:
    """What the Dockerfile makes, and its commands with the environment of a service."""

    def __init__(self, built: BuiltStage, folder: Path) -> None:
        self._programs = built.path("/opt/playvitals/bin")
        self.installed = built.path("/opt/playvitals")
        self._folder = folder

    def temporary(self, name: str) -> Path:
        """The ``/tmp`` of a container, which is also where it works."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def environ(self, service: str, ports: dict[str, int], name: str) -> dict[str, str]:
        """The environment of a container of ``service``."""
        moved = {k: on_loopback(v, ports) for k, v in environ(SERVICES[service]).items()}
        final = stages()[-1].variables()
        path = f"{self._programs}:/usr/bin:/bin"
        return {**final, **moved, "PATH": path, "TMPDIR": str(self.temporary(name))}

    def command(self, service: str) -> tuple[str, ...]:
        """The command of a service, as the image's entry point runs it."""
        return (str(self._programs / "playvitals"), *SERVICES[service]["command"])

    async def is_healthy(self, service: str, ports: dict[str, int]) -> bool:
        """Whether the service's health check, run as the compose file has it, says so."""
        _, program, *words = SERVICES[service]["healthcheck"]["test"]
        found = self._programs / program
        process = await asyncio.create_subprocess_exec(
            str(found) if found.exists() else program,
            *(on_loopback(word, ports) for word in words),
            cwd=self._folder,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait() == 0


def files(folder: Path) -> dict[str, int]:
    """Every file below a folder with the time of its last change."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The first stage of the Dockerfile carried out, its packages fetched anew by the lock."""
    with tempfile.TemporaryDirectory(prefix="playvitals-image-") as folder:
        built = BuiltStage(stages()[0], Path(folder) / "root")
        yield Image(built, Path(folder))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broker(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory, image: Image
) -> AsyncIterator[dict[str, int]]:
    """The ports of the compose file's broker, once its health check says that it is well."""
    if missing := missing_tools():
        pytest.skip(f"the broker of the compose file needs {' and '.join(missing)}")
    async with compose_kafka(tmp_path_factory.mktemp("kafka"), free_port) as ports:
        await until(lambda: image.is_healthy("kafka", ports), "the broker is healthy")
        yield ports


async def run_to_end(image: Image, ports: dict[str, int]) -> str:
    """Run the one-shot service; what it printed."""
    process = await asyncio.create_subprocess_exec(
        *image.command("topics"),
        env=image.environ("topics", ports, "topics"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def metrics(port: int) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{port}/metrics")).text


async def test_image_has_no_package_for_development(image: Image) -> None:
    packages = {path.name for path in (image.installed / "lib").glob("python3*/site-packages/*")}
    assert {"faust", "app", "aiokafka"} <= packages
    assert not {"pytest", "mypy", "hypothesis"} & packages


async def test_topics_service_makes_every_topic_and_may_run_again(
    image: Image, broker: dict[str, int]
) -> None:
    for _ in range(2):
        lines = (await run_to_end(image, broker)).splitlines()
        assert len(lines) == len(NAMES)
        assert all(line.endswith("  12 partitions  ok") for line in lines)


async def test_services_take_an_event_in_count_it_and_end_in_their_time(
    image: Image, broker: dict[str, int], free_port: Callable[[], int]
) -> None:
    await run_to_end(image, broker)
    before = files(image.installed)
    containers = {"api-1": "api", "worker-1": "worker", "worker-2": "worker"}
    ports = {name: {**broker, "8080": free_port(), "6066": free_port()} for name in containers}
    running: dict[str, ChildProcess] = {}
    try:
        for name, service in containers.items():
            values = image.environ(service, ports[name], name)
            command = image.command(service)
            running[name] = await ChildProcess.start(name, command, values, sys.stderr)
        for name, service in containers.items():

            async def is_well(service: str = service, name: str = name) -> bool:
                assert running[name].running, running[name].last_line
                return await image.is_healthy(service, ports[name])

            await until(is_well, f"{name} is healthy")
        key = environ(SERVICES["api"])["PLAYVITALS_API_KEYS"].split(",")[0]
        event = {"event": "playStart", "contentId": "a", "sessionId": "s", "cdn": "one"}
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"http://127.0.0.1:{ports['api-1']['8080']}/v1/events",
                json={**event, "data": {"startupTime": 420}},
                headers={"Authorization": f"Bearer {key}"},
            )
            page = await client.get(f"http://127.0.0.1:{ports['api-1']['8080']}/")
        assert answer.status_code == 200, answer.text
        assert page.status_code == 200, "the image lacks the files of the live page"

        async def is_counted() -> bool:
            texts = [await metrics(ports[name]["6066"]) for name in ("worker-1", "worker-2")]
            return any("\nplayvitals_plays_total 1.0" in text for text in texts)

        await until(is_counted, "one of the workers counts the play")
        for name, service in containers.items():
            grace_seconds = seconds(SERVICES[service]["stop_grace_period"])
            started = time.monotonic()
            await running[name].stop(grace_seconds)
            assert await running[name].wait() == 0, f"{name}: {running[name].last_line}"
            assert time.monotonic() - started < grace_seconds
    finally:
        for process in running.values():
            await process.stop(0)
    assert files(image.installed) == before
    written = [path for name in containers for path in image.temporary(name).rglob("*")]
    assert sum(path.stat().st_size for path in written if path.is_file()) == 0
