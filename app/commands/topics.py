"""``playvitals topics``: create and compare the Kafka topics, or begin anew."""

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
    """Create or check the Kafka topics, or begin anew.

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
    """Create missing topics; change none, and exit with 1 where one differs.

    \b
    Example:
      PLAYVITALS_TOPIC_PREFIX=replay. playvitals topics create --history
    """
    settings = read_settings()
    from app.topics import ensure_topics

    reports = asyncio.run(ensure_topics(settings, history=history))
    _print(reports)
    _require_no_differences(reports)


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
    _require_no_differences(reports)


@topics.command()
@click.option("--history", is_flag=True, help=_HISTORY_HELP)
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(history: bool, yes: bool) -> None:
    """Forget all state and count the raw topic anew.

    Deletes and creates the topics state, panes, windows and health, and sets the consumer group
    back to the beginning. All workers must be stopped. Everything that the raw topic still holds is
    counted again; events.accepted, events.rejected and views get their records again, with the
    ids that they had.

    \b
    Example:
      PLAYVITALS_KAFKA=localhost:9092 playvitals topics reset
    """
    settings = read_settings()
    from app.reset import reset_state

    if not yes:
        click.confirm(
            f"Forget the state of the deployment {settings.topic_prefix!r} on "
            f"{settings.bootstrap_servers}?",
            abort=True,
        )
    asyncio.run(reset_state(settings, history=history))
    click.echo("the state is gone; the next worker counts from the beginning of the raw topic")


def _require_no_differences(reports: "Sequence[TopicReport]") -> None:
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
