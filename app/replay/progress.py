"""The progress bar of a replay, on standard error and only where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.replay.reading import Recording
from app.replay.summary import Summary

_UPDATE_EVERY_LINES = 100


@contextmanager
def progress_bar(recording: Recording, summary: Summary) -> Iterator[Callable[[], None]]:
    """Show the share of the file read; the function it gives is to be called for every line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task("replay", total=None, counts="")

    def on_line() -> None:
        if summary.sent % _UPDATE_EVERY_LINES == 0:
            counts = f"{summary.sent} sent, {summary.received} received"
            size_bytes = recording.size_bytes
            bar.update(task, total=size_bytes, completed=recording.position_bytes, counts=counts)

    with bar:
        yield on_line
