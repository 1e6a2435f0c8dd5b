import orjson
from click.testing import CliRunner

from bench.command import bench
from bench.memory import Held, per_piece


def test_bytes_are_the_difference_between_few_and_many() -> None:
    assert per_piece(Held(10, 5_000), Held(110, 25_000)) == 200.0


def test_last_line_is_a_report_of_every_subject() -> None:
    arguments = ["memory", "--views", "20000", "--contents", "50000"]
    result = CliRunner().invoke(bench, arguments)
    assert result.exit_code == 0, result.output
    found = orjson.loads(result.stdout.splitlines()[-1])
    # A view holds some hundred objects at most, a slice one histogram.
    assert 300 < found["per_view"] < 10_000
    assert 200 < found["per_content"] < 3_000
    assert 100 < found["per_slice"] < 20_000
    assert found["machine"]["cores"]
