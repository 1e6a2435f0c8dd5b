"""How many series a worker exports, whatever clients send."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from prometheus_client import ProcessCollector
from prometheus_client.samples import Sample

from app.catalogue import catalogue_reader
from app.rolling_metrics import SERIES_PER_SLICE
from app.settings import load_settings
from models.dimensions import DIMENSIONS, OTHER, UNKNOWN
from models.timestamps import format_timestamp
from tests.incidents.simulated_worker import SimulatedWorker
from tests.support.core import T0, FakeRecord

VALUES = 10_000
MAX_NAMED = 50
CODES = 60
OTHER_SERIES = 174
"""Of a worker without partitions: counters with all their labels, histograms, health."""
PROCESS_SERIES = 6
CATALOGUE_SERIES = 2
DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
CONTEXT = ("platform", "country", "networkType", "cdn", "appVersion")


def hostile_records() -> list[FakeRecord]:
    """10,000 values of every dimension that is free text, each on a view of its own."""
    records: list[FakeRecord] = []
    for number in range(VALUES):
        common = {
            "contentId": "c",
            "sessionId": f"s{number}",
            "timestamp": format_timestamp(T0 + number),
            **{name: f"{name}-{number}" for name in CONTEXT},
        }
        play = {"startupTime": 300, "rendition": f"r-{number}", "codec": f"c-{number}"}
        left = {"fromContentId": "c", "toContentId": "d", "watchTime": 3}
        for name, data in (
            ("playStart", play),
            ("rebuffer", {"duration": 500, "currentTime": 1}),
            ("swipe", left),
        ):
            event = {**common, "event": name, "eventId": f"{name}-{number}", "data": data}
            records.append(FakeRecord(len(records), T0 + number, json.dumps(event).encode()))
    return records


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return SimulatedWorker().scrape(hostile_records(), T0 + VALUES)


def error_records() -> list[FakeRecord]:
    """Errors with more codes than are told apart."""
    events = (
        {
            "event": "error",
            "contentId": "c",
            "sessionId": "s",
            "eventId": f"error-{number}",
            "timestamp": format_timestamp(T0 + number),
            "data": {"errorCode": f"E{number}", "errorMessage": "", "fatal": False},
        }
        for number in range(CODES)
    )
    return [FakeRecord(n, T0 + n, json.dumps(event).encode()) for n, event in enumerate(events)]


def rolling(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.name.startswith("playvitals_rolling_")]


def test_at_most_50_values_of_a_dimension_have_series_and_series_are_bounded(
    samples: list[Sample],
) -> None:
    values = defaultdict(set)
    for sample in rolling(samples):
        values[sample.labels["dimension"]].add(sample.labels["value"])
    assert set(values) == {"all", *DIMENSIONS}
    for dimension in set(DIMENSIONS) - {"entryPoint"}:
        assert len(values[dimension] - {OTHER, UNKNOWN}) == MAX_NAMED
        assert OTHER in values[dimension]
    windows = len(load_settings({}).windows)
    most = windows * (1 + len(DIMENSIONS) * (MAX_NAMED + 2)) * SERIES_PER_SLICE
    assert most == 35_028
    assert len(rolling(samples)) <= most
    per_slice = Counter(
        tuple(sample.labels[name] for name in ("window", "dimension", "value"))
        for sample in rolling(samples)
    )
    assert max(per_slice.values()) == SERIES_PER_SLICE


@pytest.mark.parametrize("partitions", [1, 12, 100])
def test_everything_else_is_a_fixed_number_and_two_series_per_partition(partitions: int) -> None:
    worker = SimulatedWorker(partitions)
    worker.scrape(error_records(), T0 + CODES)
    others = [s for s in worker.samples() if not s.name.startswith("playvitals_rolling_")]
    codes = [s for s in others if s.name == "playvitals_errors_total"]
    assert len(codes) == MAX_NAMED + 1
    assert len(others) == OTHER_SERIES + 2 * partitions
    of_process = [s for family in ProcessCollector(registry=None).collect() for s in family.samples]
    assert len(of_process) == PROCESS_SERIES
    catalogue = catalogue_reader(load_settings({"PLAYVITALS_CATALOGUE_TOPIC": "contents"}))
    assert catalogue is not None
    of_catalogue = [s for family in catalogue.collect() for s in family.samples]
    assert len(of_catalogue) == CATALOGUE_SERIES


def test_the_document_has_these_numbers() -> None:
    text = " ".join(DOCUMENT.read_text().split())
    every = OTHER_SERIES + PROCESS_SERIES
    assert f"has {every} others and two per partition that it owns" in text
    assert "and two more where there is a content catalogue" in text


def test_no_play_is_lost_in_the_rest(samples: list[Sample]) -> None:
    for dimension in DIMENSIONS:
        plays = sum(
            sample.value
            for sample in samples
            if sample.name == "playvitals_rolling_plays"
            and sample.labels["dimension"] == dimension
            and sample.labels["window"] == "1m"
        )
        assert plays == VALUES
