"""The Faust app of the worker: settings, topics, agents, and who owns which partition."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Protocol, cast

from faust.types import TP

from agents.folding import FoldingApp, FoldSchema
from agents.intake import Intake
from agents.windows import Windows
from app.settings import Settings

GROUP = "worker"

Guard = Callable[[Awaitable[None]], Awaitable[None]]


class Partitions(Protocol):
    """Told which raw partitions are this worker's, and asked which may be consumed."""

    def assign(self, partitions: set[int], generation: int) -> None: ...

    def is_open(self, partition: int) -> bool: ...


def create_stream_app(
    settings: Settings,
    intake: Intake,
    windows: Windows,
    partitions: Partitions,
    before_revocation: Callable[[], Awaitable[None]],
    guard: Guard,
) -> FoldingApp:
    """Wire the agents to their topics.

    Args:
        before_revocation: awaited while the partitions are still this worker's.
        guard: runs an agent and tells when it fails.
    """
    raw_name, panes_name = settings.topic("events.raw"), settings.topic("panes")
    options: dict[str, Any] = {
        "broker": f"kafka://{settings.bootstrap_servers.replace(',', ';kafka://')}",
        "broker_max_poll_records": 10 * settings.fold_records,
        # Joining a group waits for all its members, longer than any other request.
        "broker_request_timeout": max(40.0, settings.session_timeout_seconds + 10.0),
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
    app.is_open = lambda tp: tp.topic != raw_name or partitions.is_open(tp.partition)
    app.before_revocation = before_revocation
    app.position = lambda tp: intake.position(tp) if tp.topic == raw_name else windows.position(tp)
    # Acknowledged or not: Faust would commit the offsets of folds, ahead of the checkpoints.
    raw = app.topic(raw_name, schema=FoldSchema(value_type=bytes), acks=False)
    panes = app.topic(panes_name, schema=FoldSchema(value_type=bytes), acks=False)

    @app.agent(raw, name="playvitals.intake")
    async def run_intake(stream: Any) -> None:
        consumer: Any = app.consumer
        await guard(intake.run(stream, consumer.go_back))

    @app.agent(panes, name="playvitals.windows")
    async def run_windows(stream: Any) -> None:
        await guard(windows.run(stream))

    async def own(_: Any, *args: Any, **__: Any) -> None:
        tps: list[TP] = list(args[0])
        raw_partitions = {tp.partition for tp in tps if tp.topic == raw_name}
        partitions.assign(raw_partitions, app.consumer_generation_id)
        windows.assign(tp.partition for tp in tps if tp.topic == panes_name)

    # Signals hold their receivers weakly; the app keeps this one alive.
    app.on_partitions_assigned.connect(cast(Any, own), weak=False)
    return app


def _group_timing(settings: Settings) -> dict[str, float]:
    """Group timing in seconds."""
    session = float(settings.session_timeout_seconds)
    return {
        "broker_rebalance_timeout": float(settings.rebalance_timeout_seconds),
        "broker_session_timeout": session,
        "broker_heartbeat_interval": min(3.0, session / 4),
    }
