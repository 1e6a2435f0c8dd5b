"""What the demo shows: a table on a terminal, plain lines elsewhere."""

from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from app.viewers.figures import RollingFigures
from app.viewers.sender import Tally
from app.viewers.stories import Story
from models.dimensions import ALL

CALM_DIMENSION = "cdn"
"""What the figures are broken down by where no story says otherwise."""

_NOTHING = "-"


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _count(value: float) -> str:
    return f"{value:.0f}"


_ROWS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("plays", "plays", _count),
    ("startup p50", "startup_p50", _seconds),
    ("startup p95", "startup_p95", _seconds),
    ("rebuffer ratio", "rebuffer_ratio", _percent),
    ("rebuffered views", "rebuffered_views_ratio", _percent),
    ("start failures", "start_failure_ratio", _percent),
    ("playback failures", "playback_failure_ratio", _percent),
    ("completion rate", "completion_ratio", _percent),
    ("active viewers", "active_viewers", _count),
)
_IN_LINE = (
    "plays",
    "startup p50",
    "startup p95",
    "rebuffer ratio",
    "start failures",
    "completion rate",
    "active viewers",
)


def news(story: Story | None, elapsed_seconds: float) -> str:
    """Where the story stands, ``elapsed_seconds`` after the viewers came."""
    if story is None:
        return "nothing goes wrong"
    incident = story.incident
    start, end = incident.start_ms / 1000, incident.end_ms / 1000
    if elapsed_seconds < start:
        return f"{incident.title} in {start - elapsed_seconds:.0f} s"
    if elapsed_seconds < end:
        return f"{incident.title} for another {end - elapsed_seconds:.0f} s"
    return f"the {incident.title} is over"


def telling(story: Story | None, elapsed_seconds: float) -> list[str]:
    """What happens now, what to look for, and which alerts to expect, a line each."""
    chapter = story.chapter(round(elapsed_seconds * 1000)) if story is not None else None
    if story is None or chapter is None:
        return []
    told = [f"now: {chapter.happening}", f"look for: {chapter.look}"]
    if story.alerts:
        told.append(f"alerts to expect: {', '.join(story.alerts)}")
    return told


def table(
    figures: RollingFigures | None, tally: Tally, story: Story | None, elapsed: float, window: str
) -> Group:
    """The figures of all viewers and by slice, what was sent, and how the story goes."""
    columns = sorted(figures.columns) if figures else [""]
    grid = Table(title=f"rolling figures, last {window}", title_justify="left")
    grid.add_column("")
    for column in columns:
        hit = story is not None and story.incident.hits(column, round(elapsed * 1000))
        grid.add_column(column or ALL, justify="right", style="bold red" if hit else "")
    for label, name, written in _ROWS:
        grid.add_row(label, *(_cell(figures, column, name, written) for column in columns))
    lines = [sent_news(tally), news(story, elapsed), *telling(story, elapsed)]
    return Group(grid, *map(Text, lines))


def line(
    figures: RollingFigures | None, tally: Tally, story: Story | None, elapsed: float, window: str
) -> str:
    """The same in one line."""
    shown = [
        f"{label} {_cell(figures, '', name, written)}"
        for label, name, written in _ROWS
        if label in _IN_LINE
    ]
    parts = [f"{elapsed:4.0f} s | last {window}: {', '.join(shown)}"]
    if story is not None:
        value = story.incident.value
        ratio = _cell(figures, value, "rebuffer_ratio", _percent)
        p95 = _cell(figures, value, "startup_p95", _seconds)
        parts.append(f"{value}: startup p95 {p95}, rebuffer ratio {ratio}")
    return " | ".join([*parts, sent_news(tally), news(story, elapsed)])


def sent_news(tally: Tally) -> str:
    """What the viewers sent so far."""
    refused = tally.refused.total()
    return f"events sent {tally.sent}, received {tally.received}, refused {refused}"


def _cell(
    figures: RollingFigures | None, column: str, name: str, written: Callable[[float], str]
) -> str:
    value = figures.get(column, name) if figures else None
    return _NOTHING if value is None else written(value)
