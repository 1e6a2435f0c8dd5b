"""The topics of playvitals: what each must look like, creating them, comparing them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from app.kafka_admin import BrokerRequestError, PlacedTopic, cluster_views, kafka_admin
from app.settings import Settings
from models.errors import OperatorError

NAMES = (
    *("events.raw", "events.accepted", "events.rejected", "views", "windows"),
    *("panes", "contents", "health", "state"),
)

_MAX_REPLICAS = 3
# Whoever merges starts at the oldest pane in its longest window; this covers the time it takes.
_PANES_MARGIN_SECONDS = 600
_CONTENTS_MARGIN_SECONDS = 3_600
_DAY_SECONDS = 86_400
# Only closed segments expire or are compacted, so they must close well before the retention ends.
_SEGMENT_MS = 600_000
_DEFAULT_POLICY = "delete"
_VISIBLE_SECONDS = 10.0
_POLL_SECONDS = 0.05
_RETRY_SECONDS = 0.5

Configs = dict[str, dict[str, str | None]]
"""The settings of topics: their names and values as Kafka has them, by topic."""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What a topic must look like. ``configs`` holds Kafka's own names and values."""

    name: str
    partitions: int
    replicas: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicReport:
    """A planned topic as it is: ``partitions`` is None where it is missing."""

    plan: TopicPlan
    partitions: int | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cluster:
    brokers: int
    topics: dict[str, PlacedTopic]


def plan_topics(settings: Settings, *, brokers: int, history: bool = False) -> list[TopicPlan]:
    """Every topic as the settings want it on a cluster of ``brokers``.

    ``history`` is for replayed events: record times are then the producer's, and nothing expires.
    """
    replicas = max(1, min(_MAX_REPLICAS, brokers))
    common = {"unclean.leader.election.enable": "false"}
    if replicas == _MAX_REPLICAS:
        common["min.insync.replicas"] = "2"
    kept_seconds = settings.windows[-1].seconds + settings.grace_seconds + _PANES_MARGIN_SECONDS
    segments = {"segment.ms": str(_SEGMENT_MS)}
    # The embedded broker knows the producer's times only, and a topic should say what holds.
    stamp = "CreateTime" if history or settings.embedded else "LogAppendTime"
    own: dict[str, dict[str, str]] = {
        "events.raw": {"message.timestamp.type": stamp},
        "windows": {"cleanup.policy": "compact", **segments},
        "panes": {
            "cleanup.policy": "delete",
            "retention.ms": str(kept_seconds * 1000),
            **segments,
        },
        "contents": {
            "cleanup.policy": "delete",
            "retention.ms": str((_DAY_SECONDS + _CONTENTS_MARGIN_SECONDS) * 1000),
            **segments,
        },
        "health": {"cleanup.policy": "compact", **segments},
        "state": {
            "cleanup.policy": "compact",
            "min.cleanable.dirty.ratio": "0.2",
            **segments,
        },
    }
    plans = []
    for name in NAMES:
        configs = common | own.get(name, {})
        if history and configs.get("cleanup.policy") != "compact":
            # Records that carry the time of an old event would expire as soon as they are written.
            configs["retention.ms"] = "-1"
        plans.append(TopicPlan(settings.topic(name), settings.partitions, replicas, configs))
    return plans


async def ensure_topics(settings: Settings, *, history: bool = False) -> list[TopicReport]:
    """Create every missing topic, leave those that exist as they are, and compare all with plan.

    While a broker has just gone, others take over its part: what fails is tried again for
    ``settings.broker_timeout_seconds``.

    Raises:
        OperatorError: the broker is unreachable or refuses a topic, an existing topic has
            another number of partitions than the settings or would lose what it must keep, or
            ``history`` is asked for and the raw topic stamps records with the broker's time.
    """
    return await _retried(settings, lambda: _ensure(settings, history))


async def inspect_topics(settings: Settings, *, history: bool = False) -> list[TopicReport]:
    """Compare every topic with its plan, and change nothing; tries again as ``ensure_topics``.

    Raises:
        OperatorError: the broker is unreachable or refuses to tell.
    """
    return await _retried(settings, lambda: _inspect(settings, history))


async def _retried(
    settings: Settings, do: Callable[[], Awaitable[list[TopicReport]]]
) -> list[TopicReport]:
    deadline = time.monotonic() + settings.broker_timeout_seconds
    while True:
        try:
            return await do()
        except BrokerRequestError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_RETRY_SECONDS)


async def _ensure(settings: Settings, history: bool) -> list[TopicReport]:
    async with kafka_admin(settings) as admin:
        cluster = await _cluster(settings)
        plans = plan_topics(settings, brokers=cluster.brokers, history=history)
        configs = await _fitting_configs(admin, plans, cluster.topics, history)
        if missing := [plan for plan in plans if plan.name not in cluster.topics]:
            _require_all_brokers(settings, cluster.brokers)
            await _create(admin, missing)
            cluster = await _wait_until_visible(settings, missing)
            configs = await _fitting_configs(admin, plans, cluster.topics, history)
    return _reports(plans, cluster.topics, configs)


async def _inspect(settings: Settings, history: bool) -> list[TopicReport]:
    async with kafka_admin(settings) as admin:
        cluster = await _cluster(settings)
        plans = plan_topics(settings, brokers=cluster.brokers, history=history)
        configs = await _configs(admin, [p.name for p in plans if p.name in cluster.topics])
    return _reports(plans, cluster.topics, configs)


def _reports(
    plans: list[TopicPlan], topics: Mapping[str, PlacedTopic], configs: Configs
) -> list[TopicReport]:
    return [_report(plan, topics.get(plan.name), configs.get(plan.name, {})) for plan in plans]


def _report(
    plan: TopicPlan, found: PlacedTopic | None, configs: Mapping[str, str | None]
) -> TopicReport:
    if found is None:
        return TopicReport(plan, None, ("missing",))
    differences = []
    if found.partitions != plan.partitions:
        differences.append(f"{found.partitions} partitions, expected {plan.partitions}")
    if found.replicas < plan.replicas:
        differences.append(f"replicas={found.replicas}, expected {plan.replicas}")
    differences += [
        f"{name}={configs.get(name)}, expected {value}"
        for name, value in plan.configs.items()
        if configs.get(name) != value
    ]
    return TopicReport(plan, found.partitions, tuple(differences))


async def _cluster(settings: Settings) -> _Cluster:
    """How many brokers any of them knows of, and the topics that all of them know."""
    views = await cluster_views(settings)
    if not views:
        raise BrokerRequestError(
            f"no Kafka broker of {settings.bootstrap_servers} tells what topics it has; "
            "see whether its advertised listeners can be reached from here"
        )
    brokers = frozenset[int]().union(*(view.brokers for view in views))
    names = set(views[0].topics).intersection(*(view.topics for view in views))
    return _Cluster(len(brokers), {name: views[0].topics[name] for name in names})


async def _fitting_configs(
    admin: AIOKafkaAdminClient,
    plans: list[TopicPlan],
    topics: Mapping[str, PlacedTopic],
    history: bool,
) -> Configs:
    """The settings of the topics that exist, all of which can do what is planned for them."""
    for plan in plans:
        _require_partitions(plan, topics)
    configs = await _configs(admin, [plan.name for plan in plans if plan.name in topics])
    _require_cleanup_policies(plans, configs)
    if history:
        _require_create_time(plans[0], configs)
    return configs


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> Configs:
    """How topics are configured. A broker can know of a new topic and not yet of its settings.

    Raises:
        BrokerRequestError: the broker that was asked does not know, or refuses to tell.
    """
    if not names:
        return {}
    answers = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    )
    configs: Configs = {}
    for answer in answers:
        for code, message, _, name, entries in answer.resources:
            if code:
                reason = message or for_code(code).__name__
                raise BrokerRequestError(f"the Kafka broker does not describe {name}: {reason}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


def _require_all_brokers(settings: Settings, brokers: int) -> None:
    """Topics created while brokers are still starting would have too few replicas for good."""
    expected = min(_MAX_REPLICAS, len(set(settings.bootstrap_servers.split(","))))
    if brokers < expected:
        raise BrokerRequestError(
            f"PLAYVITALS_KAFKA={settings.kafka} names {expected} brokers or more and {brokers} of "
            "them can be seen, too few to create topics with all their replicas: start the "
            "others, or name only servers that there are"
        )


def _require_partitions(plan: TopicPlan, existing: Mapping[str, PlacedTopic]) -> None:
    if plan.name not in existing:
        return
    found = existing[plan.name].partitions
    if found != plan.partitions:
        raise OperatorError(
            f"topic {plan.name} has {found} partitions, the settings say {plan.partitions}: set "
            f"PLAYVITALS_PARTITIONS={found}, or start anew with another PLAYVITALS_TOPIC_PREFIX "
            "(dedupe and views work within a partition, so its count cannot change)"
        )


def _require_cleanup_policies(plans: list[TopicPlan], configs: Configs) -> None:
    """A compacted topic whose old records expire loses state; one of events that is compacted
    loses events."""
    for plan in plans:
        if plan.name not in configs:
            continue
        found = configs[plan.name].get("cleanup.policy") or _DEFAULT_POLICY
        expected = plan.configs.get("cleanup.policy", _DEFAULT_POLICY)
        if found != expected:
            raise OperatorError(
                f"topic {plan.name} has cleanup.policy={found} and would lose records that are "
                f"needed: set it to {expected} with Kafka's own tools"
            )


def _require_create_time(raw: TopicPlan, configs: Configs) -> None:
    if configs.get(raw.name, {}).get("message.timestamp.type") == "LogAppendTime":
        raise OperatorError(
            f"topic {raw.name} exists and stamps records with the broker's time, so it cannot "
            "take a history: choose another PLAYVITALS_TOPIC_PREFIX for the replay"
        )


async def _create(admin: AIOKafkaAdminClient, plans: list[TopicPlan]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(plan.name, plan.partitions, plan.replicas, topic_configs=dict(plan.configs))
            for plan in plans
        ]
    )
    for name, code, message in answer.topic_errors:
        # Another process may create the same topics at the same time.
        if code and code != TopicAlreadyExistsError.errno:
            reason = message or for_code(code).__name__
            raise OperatorError(f"the Kafka broker refused to create topic {name}: {reason}")


async def _wait_until_visible(settings: Settings, plans: list[TopicPlan]) -> _Cluster:
    """Wait until whichever broker a client asks knows the topics."""
    deadline = time.monotonic() + _VISIBLE_SECONDS
    while True:
        cluster = await _cluster(settings)
        if all(plan.name in cluster.topics for plan in plans):
            return cluster
        if time.monotonic() > deadline:
            raise OperatorError(
                f"the Kafka broker created topics that are not there {_VISIBLE_SECONDS:.0f} s "
                "later; look at the health of its controller"
            )
        await asyncio.sleep(_POLL_SECONDS)
