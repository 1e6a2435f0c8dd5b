"""The Faust app of the worker: settings, topics, agents, and who owns which partition."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any, cast

from faust.types import TP

from agents.folding import FoldingApp, FoldSchema
from agents.intake import Intake
from agents.windows import Windows
from app.settings import Settings

GROUP = "worker"

Guard = Callable[[Awaitable[None]], Awaitable[None]]


def create_stream_app(
    settings: Settings, intake: Intake, windows: Windows, guard: Guard
) -> FoldingApp:
    """Wire the agents to their topics. ``guard`` runs an agent and tells when it fails."""
    raw_name, panes_name = settings.topic("events.raw"), settings.topic("panes")
    options: dict[str, Any] = {
        "broker": f"kafka://{settings.bootstrap_servers.replace(',', ';kafka://')}",
        "broker_max_poll_records": 10 * settings.fold_records,
        "broker_request_timeout": 40.0,
        "stream_wait_empty": False,
        # Messages, and a message is a fold.
        "stream_buffer_maxsize": 64,
        "stream_recovery_delay": 0.0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "store": "memory://",
        # Nothing is kept there, but Faust makes the folder; not in the user's own, please.
        "datadir": Path(gettempdir()) / "playvitals-worker",
        "value_serializer": "raw",
        "web_enabled": False,
        **_group_timing(settings),
    }
    app = FoldingApp(settings.topic(GROUP), **options)
    app.folded_topics = frozenset({raw_name, panes_name})
    app.fold_records = settings.fold_records
    app.position = lambda tp: intake.position(tp) if tp.topic == raw_name else windows.position(tp)
    raw = app.topic(raw_name, schema=FoldSchema(value_type=bytes))
    panes = app.topic(panes_name, schema=FoldSchema(value_type=bytes))

    @app.agent(raw, name="playvitals.intake")
    async def run_intake(stream: Any) -> None:
        await guard(intake.run(stream))

    @app.agent(panes, name="playvitals.windows")
    async def run_windows(stream: Any) -> None:
        await guard(windows.run(stream))

    async def own(_: Any, *args: Any, **__: Any) -> None:
        tps: list[TP] = list(args[0])
        intake.assign(tp.partition for tp in tps if tp.topic == raw_name)
        windows.assign(tp.partition for tp in tps if tp.topic == panes_name)

    # Signals hold their receivers weakly; the app keeps this one alive.
    app.on_partitions_assigned.connect(cast(Any, own), weak=False)
    return app


def _group_timing(settings: Settings) -> dict[str, float]:
    """Group timing in seconds: quick with the embedded broker, which starts with its worker."""
    rebalance, session, heartbeat = (4.0, 4.0, 1.0) if settings.embedded else (60.0, 30.0, 3.0)
    return {
        "broker_rebalance_timeout": rebalance,
        "broker_session_timeout": session,
        "broker_heartbeat_interval": heartbeat,
    }
