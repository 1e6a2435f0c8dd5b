"""What the demo shows: a table on a terminal, plain lines elsewhere."""

from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from app.viewers.figures import RollingFigures
from app.viewers.incidents import RebufferSpike
from app.viewers.sender import Tally

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
    ("completion rate", "completion_ratio", _percent),
    ("active viewers", "active_viewers", _count),
)
_IN_LINE = ("plays", "startup p50", "startup p95", "rebuffer ratio", "completion rate")
_ACTIVE = "active_viewers"


def spike_news(spike: RebufferSpike, elapsed_seconds: float) -> str:
    """Where the injected spike stands, ``elapsed_seconds`` after the viewers came."""
    start, end = spike.start_ms / 1000, spike.end_ms / 1000
    if elapsed_seconds < start:
        return f"rebuffer spike on {spike.cdn} in {start - elapsed_seconds:.0f} s"
    if elapsed_seconds < end:
        return f"rebuffer spike on {spike.cdn} for another {end - elapsed_seconds:.0f} s"
    return f"the rebuffer spike on {spike.cdn} is over"


def table(
    figures: RollingFigures | None, tally: Tally, spike: RebufferSpike, elapsed: float, window: str
) -> Group:
    """The figures of all viewers and by CDN, with what was sent and where the spike stands."""
    columns = sorted(figures.columns) if figures else [""]
    grid = Table(title=f"rolling figures, last {window}", title_justify="left")
    grid.add_column("")
    for column in columns:
        hit = column == spike.cdn and spike.hits(column, round(elapsed * 1000))
        grid.add_column(column or "all", justify="right", style="bold red" if hit else "")
    for label, name, written in _ROWS:
        grid.add_row(label, *(_cell(figures, column, name, written) for column in columns))
    return Group(grid, Text(sent_news(tally)), Text(spike_news(spike, elapsed)))


def line(
    figures: RollingFigures | None, tally: Tally, spike: RebufferSpike, elapsed: float, window: str
) -> str:
    """The same in one line."""
    shown = [
        f"{label} {_cell(figures, '', name, written)}"
        for label, name, written in _ROWS
        if label in _IN_LINE
    ]
    on_cdn = _cell(figures, spike.cdn, "rebuffer_ratio", _percent)
    shown.append(f"active viewers {_cell(figures, '', _ACTIVE, _count)}")
    return (
        f"{elapsed:4.0f} s | last {window}: {', '.join(shown)} | "
        f"rebuffer ratio of {spike.cdn} {on_cdn} | {sent_news(tally)} | "
        f"{spike_news(spike, elapsed)}"
    )


def sent_news(tally: Tally) -> str:
    """What the viewers sent so far."""
    refused = tally.refused.total()
    return f"events sent {tally.sent}, received {tally.received}, refused {refused}"


def _cell(
    figures: RollingFigures | None, column: str, name: str, written: Callable[[float], str]
) -> str:
    value = figures.get(column, name) if figures else None
    return _NOTHING if value is None else written(value)
