import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from bench.command import bench
from bench.dedupe import PIECES, digests, measure_filling
from tables.dedupe import Dedupe


def test_every_number_has_its_own_digest_all_over_the_range() -> None:
    hashes = digests(np.arange(100_000, dtype=np.uint64))
    assert len(np.unique(hashes)) == 100_000
    sixteenths = np.bincount((hashes >> np.uint64(60)).astype(np.int64))
    assert sixteenths.min() > 0.9 * 100_000 / 16


def test_last_line_is_a_report_of_memory_time_and_restore() -> None:
    result = CliRunner().invoke(bench, ["dedupe", "--ids", "100003", "--partitions", "3"])
    assert result.exit_code == 0, result.output
    report = orjson.loads(result.stdout.splitlines()[-1])
    assert (report["ids"], report["partitions"]) == (100_003, 3)
    assert (report["restored_ids"], report["restored_pieces"]) == (50_001, 3 * PIECES)
    # One in ten is a duplicate; the last fold of a partition may be full of them.
    assert report["events"] == pytest.approx(100_003 / 0.9, abs=3 * 1000)
    assert 0 < report["bytes_per_id"] <= report["peak_bytes_per_id"]
    assert 0 < report["us_per_event"]
    assert report["lookups_per_second"] == round(1e6 / report["us_per_event"])
    assert 0 < report["longest_pause_ms"]
    assert 0 < report["restore_seconds"]


def test_a_dedupe_that_errs_gives_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.dedupe.in_fresh_process", lambda measure, *args: measure(*args))
    monkeypatch.setattr(Dedupe, "add", lambda *_: True)
    with pytest.raises(RuntimeError, match="taken for"):
        measure_filling(50_000, 1)


def test_without_a_subcommand_the_worker_is_measured() -> None:
    result = CliRunner().invoke(bench, ["--events", "1"])
    assert result.exit_code == 2
    assert "100000<=x<=20000000" in result.output
