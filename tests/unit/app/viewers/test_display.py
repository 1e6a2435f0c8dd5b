import io

import pytest
from rich.console import Console

from app.viewers.display import line, news, table, telling
from app.viewers.figures import RollingFigures, read_figures
from app.viewers.sender import Tally
from app.viewers.stories import bad_release, rebuffer_spike

SPIKE = rebuffer_spike(20_000, 80_000)
RELEASE = bad_release(20_000, 120_000)
METRICS = """\
# HELP playvitals_rolling_plays Plays
# TYPE playvitals_rolling_plays gauge
playvitals_rolling_plays{dimension="all",value="",window="1m"} 53
playvitals_rolling_plays{dimension="all",value="",window="5m"} 99
playvitals_rolling_plays{dimension="cdn",value="cdn-b",window="1m"} 17
playvitals_rolling_plays{dimension="country",value="DE",window="1m"} 4
# HELP playvitals_rolling_startup_seconds Startup
# TYPE playvitals_rolling_startup_seconds gauge
playvitals_rolling_startup_seconds{dimension="all",quantile="0.95",value="",window="1m"} 0.98
# HELP playvitals_rolling_rebuffer_ratio Ratio
# TYPE playvitals_rolling_rebuffer_ratio gauge
playvitals_rolling_rebuffer_ratio{dimension="cdn",value="cdn-b",window="1m"} 0.125
# HELP playvitals_events_total Events
# TYPE playvitals_events_total counter
playvitals_events_total{event="like",outcome="accepted"} 1
"""


def test_figures_of_one_window_are_read_per_cdn() -> None:
    assert read_figures(METRICS, "1m", "cdn") == RollingFigures(
        {
            "": {"plays": 53.0, "startup_p95": 0.98},
            "cdn-b": {"plays": 17.0, "rebuffer_ratio": 0.125},
        }
    )


def test_line_shows_the_figures_and_what_was_sent() -> None:
    text = line(read_figures(METRICS, "1m", "cdn"), Tally(sent=12, received=10), SPIKE, 30.0, "1m")
    assert "plays 53, startup p50 -, startup p95 0.98 s" in text
    assert "cdn-b: startup p95 -, rebuffer ratio 12.5 %" in text
    assert "events sent 12, received 10, refused 0" in text


def test_table_has_a_column_per_cdn() -> None:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(table(read_figures(METRICS, "1m", "cdn"), Tally(), SPIKE, 30.0, "1m"))
    rows = [text.split() for text in captured.get().splitlines()]
    assert any(row[1:4] == ["plays", "│", "53"] and "17" in row for row in rows)


def test_figures_can_be_read_by_another_dimension() -> None:
    columns = read_figures(METRICS, "1m", "country").columns
    assert columns == {"": {"plays": 53.0, "startup_p95": 0.98}, "DE": {"plays": 4.0}}


def test_display_works_before_there_are_figures() -> None:
    assert "plays -" in line(None, Tally(), SPIKE, 0.0, "1m")


def test_line_without_a_story_has_no_slice() -> None:
    text = line(read_figures(METRICS, "1m", "cdn"), Tally(), None, 30.0, "1m")
    assert "cdn-b" not in text
    assert text.endswith("nothing goes wrong")


@pytest.mark.parametrize(
    ("elapsed", "said"),
    [
        (5.0, "rebuffer spike on cdn-b in 15 s"),
        (30.0, "rebuffer spike on cdn-b for another 50 s"),
        (80.0, "the rebuffer spike on cdn-b is over"),
    ],
)
def test_incident_is_announced(elapsed: float, said: str) -> None:
    assert news(SPIKE, elapsed) == said


@pytest.mark.parametrize(
    ("elapsed", "happening"),
    [
        (20.0, "now: app version 4.3.0 rolls out; it starts slowly and fails"),
        (60.0, "now: 4.3.0 has reached 60 % of the new sessions"),
        (121.0, "now: 4.3.0 is rolled back; sessions that have it go on with it"),
    ],
)
def test_story_is_told_as_it_happens(elapsed: float, happening: str) -> None:
    told = telling(RELEASE, elapsed)
    assert told[0] == happening
    assert told[1].startswith("look for: ")


def test_alerts_to_expect_are_named() -> None:
    assert telling(SPIKE, 30.0)[2] == "alerts to expect: RebufferSpike, SliceRebuffering"


def test_nothing_is_told_before_it_begins_or_without_a_story() -> None:
    assert telling(SPIKE, 19.0) == []
    assert telling(None, 19.0) == []
