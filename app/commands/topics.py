"""``playvitals topics``: create and compare the Kafka topics."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from app.commands.common import read_settings
from models.errors import OperatorError

if TYPE_CHECKING:
    from app.topics import TopicReport


@click.group()
def topics() -> None:
    """Create or check the Kafka topics.

    'playvitals up' and the worker create missing topics by themselves.

    \b
    Example:
      PLAYVITALS_KAFKA=localhost:9092 playvitals topics create
    """


_HISTORY_HELP = (
    "For replayed events: record times are the producer's (CreateTime) and nothing expires."
)


@topics.command()
@click.option("--history", is_flag=True, help=_HISTORY_HELP)
def create(history: bool) -> None:
    """Create missing topics; change none.

    \b
    Example:
      PLAYVITALS_TOPIC_PREFIX=replay. playvitals topics create --history
    """
    settings = read_settings()
    from app.topics import ensure_topics, inspect_topics

    asyncio.run(ensure_topics(settings, history=history))
    _print(asyncio.run(inspect_topics(settings, history=history)))


@topics.command()
@click.option("--history", is_flag=True, help=_HISTORY_HELP)
def check(history: bool) -> None:
    """Compare the topics with the settings.

    Lists each with its differences, and exits with 1 if there are any.

    \b
    Example:
      PLAYVITALS_KAFKA=localhost:9092 playvitals topics check
    """
    settings = read_settings()
    from app.topics import inspect_topics

    reports = asyncio.run(inspect_topics(settings, history=history))
    _print(reports)
    differing = [report.plan.name for report in reports if report.differences]
    if differing:
        raise OperatorError(
            f"{len(differing)} of {len(reports)} topics differ from the settings; create missing "
            "ones with 'playvitals topics create', change others with Kafka's own tools"
        )


def _print(reports: "Sequence[TopicReport]") -> None:
    width = max(len(report.plan.name) for report in reports)
    for report in reports:
        state = "; ".join(report.differences) or "ok"
        partitions = "-" if report.partitions is None else report.partitions
        click.echo(f"{report.plan.name:<{width}}  {partitions:>4} partitions  {state}")
