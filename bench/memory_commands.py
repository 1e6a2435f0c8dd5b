"""The subcommand of ``playvitals bench`` that measures memory."""

from dataclasses import asdict

import click
import orjson

from bench.machine import machine


@click.command()
@click.option(
    "--views",
    default=200_000,
    show_default=True,
    type=click.IntRange(10_000, 5_000_000),
    help="How many views are open.",
)
@click.option(
    "--contents",
    default=200_000,
    show_default=True,
    type=click.IntRange(10_000, 5_000_000),
    help="How many contents gain something between two publications.",
)
def memory(views: int, contents: int) -> None:
    """Measure how many bytes a worker holds per open view, content and slice.

    The difference between processes that hold few and many of one thing, in memory, without
    broker. Event ids have a command of their own, "dedupe". The last line is one JSON object.

    \b
    Example:
      playvitals bench memory --views 1000000
    """
    from bench.memory import measure_memory

    found = measure_memory(views, contents)
    for name, subject in (
        ("per_view", "open view, with its viewer and two ids"),
        ("per_content", "content that gained something since the last publication"),
        ("per_slice", "value of a dimension in a pane of a partition"),
    ):
        click.echo(f"{getattr(found, name):>10,.1f} bytes per {subject}")
    click.echo(orjson.dumps(asdict(found) | {"machine": machine()}).decode())
