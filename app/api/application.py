"""Wires the API together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from app.api.admission import Admission
from app.api.cors import Cors
from app.api.edge import Edge
from app.api.errors import METHOD_NOT_ALLOWED, NOT_FOUND, ApiError
from app.api.event_endpoints import EventEndpoints, Shortcut
from app.api.ingest import EventSink, Ingest, KnownContents
from app.api.keys import ApiKeys
from app.api.live import LiveEndpoints
from app.api.metrics import ApiMetrics
from app.api.page import PageEndpoints
from app.api.rate_limit import RateLimit
from app.api.responses import error_body, json_response, request_id_of
from app.api.routes import Endpoints
from app.kafka_writer import KafkaWriter
from app.live.feeds import LiveFeeds
from app.live.metrics import LiveCollector
from app.settings import Settings

LINGER_SECONDS = 0.003


def create_writer(settings: Settings) -> KafkaWriter:
    """The writer of an API with these settings; whoever makes it starts and stops it."""
    return KafkaWriter(
        settings.bootstrap_servers,
        client_id="playvitals-api",
        linger_seconds=LINGER_SECONDS,
        timeout_seconds=settings.broker_timeout_seconds,
    )


def create_api(
    settings: Settings,
    sink: EventSink | None = None,
    feeds: LiveFeeds | None = None,
    contents: KnownContents | None = None,
) -> ASGIApp:
    """The API as an ASGI app.

    Without a ``sink`` it has a Kafka writer of its own, for its lifespan; the same goes for the
    ``feeds`` behind the live figures. Whoever passes them starts and stops them. ``contents`` are
    those that events may be about; None: any.
    """
    metrics = ApiMetrics()
    limit = RateLimit(settings.rate_limit_per_minute)
    admission = Admission(
        ApiKeys(settings.api_keys, settings.environment), limit, settings.api_address
    )
    writer: KafkaWriter | None = None
    if sink is None:
        sink = writer = create_writer(settings)
    raw_topic = settings.topic("events.raw")
    ingest = Ingest(sink, raw_topic, settings.broker_timeout_seconds, contents)
    events = EventEndpoints(settings, ingest, metrics, admission)
    is_ready = partial(sink.is_reachable, raw_topic)
    live = LiveFeeds(settings) if feeds is None else feeds
    metrics.registry.register(LiveCollector(live))
    if contents is not None:
        metrics.registry.register(contents)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if feeds is None:
            live.start()
        if writer is not None:
            await writer.start()
        yield
        if feeds is None:
            await live.stop()
        if writer is not None:
            await writer.stop()

    starlette = Starlette(
        routes=[
            *events.routes(),
            *Endpoints(settings, ingest, metrics, is_ready).routes(),
            *LiveEndpoints(settings, admission, live).routes(),
            *PageEndpoints().routes(),
        ],
        exception_handlers={ApiError: _refuse, HTTPException: _refuse_path},
        lifespan=lifespan,
    )
    # A path is right or it is not found; nothing is sent elsewhere.
    starlette.router.redirect_slashes = False
    app: ASGIApp = Shortcut(starlette, events.by_path)
    if settings.cors_origins:
        app = Cors(app, settings.cors_origins)
    return Edge(app, metrics, limit)


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return json_response(error_body(error, request_id_of(request)), error.status, error.headers)


async def _refuse_path(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, of unknown paths and methods, in our envelope."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        message = f"{request.method} is not allowed here"
        refusal = ApiError(405, METHOD_NOT_ALLOWED, message, headers=error.headers)
    else:
        refusal = ApiError(error.status_code, NOT_FOUND, f"there is no {request.url.path[:80]}")
    return await _refuse(request, refusal)
