"""What each topic must look like. Creating them is tested against brokers."""

from collections.abc import Callable

import pytest

from app.settings import Settings, load_settings
from app.topics import NAMES, TopicPlan, ensure_topics, plan_topics
from models.errors import OperatorError


def plans(brokers: int = 1, *, history: bool = False, **environ: str) -> dict[str, TopicPlan]:
    settings = load_settings({f"PLAYVITALS_{name}": value for name, value in environ.items()})
    planned = plan_topics(settings, brokers=brokers, history=history)
    return {plan.name.removeprefix(settings.topic_prefix): plan for plan in planned}


def test_every_topic_has_the_partitions_and_prefix_of_the_settings() -> None:
    planned = plans(PARTITIONS="7", TOPIC_PREFIX="qa.")
    assert tuple(planned) == NAMES
    assert {plan.partitions for plan in planned.values()} == {7}
    assert planned["events.raw"].name == "qa.events.raw"


@pytest.mark.parametrize(
    ("brokers", "replicas", "min_insync"),
    [(1, 1, None), (2, 2, None), (3, 3, "2"), (9, 3, "2")],
)
def test_replicas_follow_the_brokers_up_to_three(
    brokers: int, replicas: int, min_insync: str | None
) -> None:
    for plan in plans(brokers).values():
        assert plan.replicas == replicas
        assert plan.configs.get("min.insync.replicas") == min_insync
        assert plan.configs["unclean.leader.election.enable"] == "false"


def test_the_raw_topic_carries_the_clock_of_the_broker() -> None:
    raw = plans(KAFKA="kafka:9092")["events.raw"]
    assert raw.configs["message.timestamp.type"] == "LogAppendTime"


def test_the_embedded_broker_has_no_clock_of_its_own() -> None:
    assert plans()["events.raw"].configs["message.timestamp.type"] == "CreateTime"


def test_a_history_carries_its_own_times_and_never_expires() -> None:
    planned = plans(KAFKA="kafka:9092", history=True)
    assert planned["events.raw"].configs["message.timestamp.type"] == "CreateTime"
    kept = {name for name, plan in planned.items() if plan.configs.get("retention.ms") == "-1"}
    assert kept == set(NAMES) - {"windows", "health", "state"}


def test_panes_outlive_the_longest_window_with_its_grace() -> None:
    retention_ms = int(plans(WINDOWS="1m,2h", GRACE_SECONDS="120")["panes"].configs["retention.ms"])
    assert 7_320_000 < retention_ms < 2 * 7_320_000


@pytest.mark.parametrize("name", ["windows", "health", "state"])
def test_what_only_its_newest_values_matter_of_is_compacted(name: str) -> None:
    assert plans()[name].configs["cleanup.policy"] == "compact"


def unreachable(**environ: str) -> Settings:
    return load_settings({"PLAYVITALS_BROKER_TIMEOUT_SECONDS": "0.3", **environ})


async def test_an_absent_kafka_is_named_with_its_setting(free_port: Callable[[], int]) -> None:
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(OperatorError, match=rf"{servers} within 0.3 s.*PLAYVITALS_KAFKA"):
        await ensure_topics(unreachable(PLAYVITALS_KAFKA=servers))


async def test_an_absent_embedded_broker_is_named_with_the_command(
    free_port: Callable[[], int],
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(OperatorError, match=r"embedded.*playvitals up"):
        await ensure_topics(unreachable(PLAYVITALS_EMBEDDED_KAFKA_ADDRESS=address))
