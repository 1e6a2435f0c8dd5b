"""The worker's HTTP server: metrics, liveness and readiness."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from app.settings import Address
from models.errors import OperatorError


async def serve_worker(
    address: Address, registry: CollectorRegistry, is_ready: Callable[[], bool]
) -> web.AppRunner:
    """Serve ``/metrics``, ``/healthz`` and ``/readyz`` (503 until ready) until cleaned up.

    Raises:
        OperatorError: the address is taken.
    """

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        )

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        ready = is_ready()
        return web.json_response(
            {"status": "ready" if ready else "starting"}, status=200 if ready else 503
        )

    server = web.Application()
    server.add_routes(
        [web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)]
    )
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError as error:
        await runner.cleanup()
        raise OperatorError(
            f"cannot serve metrics on {address}: {error.strerror}; "
            "stop what listens there or set PLAYVITALS_METRICS_ADDRESS"
        ) from None
    return runner
