"""Which Kafka the tests choose, and how a cluster of our own is configured."""

from pathlib import Path

import pytest

from tests.support.kafka import KafkaSource, choose_kafka
from tests.support.kafka_node import NodeAddress, node_properties

GIVEN = {"PLAYVITALS_TEST_KAFKA": "kafka:9092"}


@pytest.mark.parametrize(
    ("environ", "docker", "missing", "expected"),
    [
        (GIVEN, True, [], KafkaSource.GIVEN),
        (GIVEN, False, ["java"], KafkaSource.GIVEN),
        ({}, True, [], KafkaSource.DOCKER),
        ({}, True, ["java", "mvn"], KafkaSource.DOCKER),
        ({"PLAYVITALS_TEST_KAFKA": ""}, False, [], KafkaSource.ARTIFACTS),
        ({}, False, ["mvn"], KafkaSource.NONE),
    ],
)
def test_first_kafka_that_is_possible_is_chosen(
    environ: dict[str, str], docker: bool, missing: list[str], expected: KafkaSource
) -> None:
    assert choose_kafka(environ, lambda: docker, missing) is expected


def test_docker_is_not_asked_where_a_kafka_is_given() -> None:
    def docker_answers() -> bool:
        raise AssertionError("asked")

    assert choose_kafka(GIVEN, docker_answers, []) is KafkaSource.GIVEN


def properties(brokers: int) -> dict[str, str]:
    """The configuration of the last node of a cluster."""
    nodes = [
        NodeAddress(number, 21000 + number, 22000 + number, Path("/data") / str(number))
        for number in range(1, brokers + 1)
    ]
    lines = node_properties(nodes[-1], nodes).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_internal_topics_of_three_brokers_survive_the_loss_of_one() -> None:
    found = properties(3)
    assert found["controller.quorum.voters"] == (
        "1@127.0.0.1:22001,2@127.0.0.1:22002,3@127.0.0.1:22003"
    )
    assert found["node.id"] == "3"
    assert found["offsets.topic.replication.factor"] == "3"
    assert found["transaction.state.log.replication.factor"] == "3"
    assert found["transaction.state.log.min.isr"] == "2"


def test_one_broker_needs_no_other_for_its_internal_topics() -> None:
    found = properties(1)
    assert found["offsets.topic.replication.factor"] == "1"
    assert found["transaction.state.log.min.isr"] == "1"
