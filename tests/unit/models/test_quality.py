"""Which of two renditions is the higher."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.quality import DIRECTIONS, direction

LADDERS = [
    ["144p", "240p", "360p", "480p", "720p", "1080p", "1440p", "2160p", "4320p"],
    ["tiny", "small", "medium", "large", "hd720", "hd1080", "hd1440", "hd2160", "highres"],
    ["256x144", "640x360", "1280x720", "1920x1080", "3840x2160"],
    ["sd", "hd", "fhd", "qhd", "uhd", "8k"],
    ["360", "720p60", "1080i", "2k", "4K"],
]


@pytest.mark.parametrize("ladder", LADDERS)
def test_steps_of_a_ladder(ladder: list[str]) -> None:
    for lower, higher in pairwise(ladder):
        assert direction(lower, higher) == "up"
        assert direction(higher, lower) == "down"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("auto", "720p"),
        ("720p", "auto"),
        ("", ""),
        ("720p", "720p"),
        ("720p", "hd720"),
        ("1280x720", "720p60"),
        ("high", "low"),
        ("2500kbps", "1200kbps"),
        ("v7", "v3"),
    ],
)
def test_names_that_do_not_tell(before: str, after: str) -> None:
    assert direction(before, after) == "unknown"


@pytest.mark.parametrize(("before", "after"), [(" 720P ", "1080p"), ("HD720", "FHD")])
def test_case_and_space_around_do_not_matter(before: str, after: str) -> None:
    assert direction(before, after) == "up"


@given(st.text() | st.from_regex(r"\d{1,6}[pi]?\d{0,4}"), st.text() | st.from_regex(r"\d{1,6}p"))
def test_turning_round_turns_the_direction(before: str, after: str) -> None:
    way = direction(before, after)
    assert way in DIRECTIONS
    assert direction(after, before) == {"up": "down", "down": "up", "unknown": "unknown"}[way]
