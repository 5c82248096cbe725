"""`simsearch bench throughput`, from pictures to a table."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch.bench.throughput import run, stages
from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.conftest import CliResult

Run = Callable[..., CliResult]
COMMAND = ("bench", "throughput", "made:2,64x48", "--device", "cpu", "--repeat", 1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_SECONDS", 0.01)
    monkeypatch.setattr(stages, "PART_ROWS", 8)


def test_table_and_json(run_here: Run) -> None:
    table = run_here(*COMMAND, "--batch-sizes", "2")
    assert table.code == 0, table.err
    assert "made:2,64x48: 2 pictures" in table.out
    assert "cpu openvino" in table.out
    assert "of what the parts allow" in table.out
    assert max(map(len, table.out.splitlines()[1:])) <= 80
    data = run_here(*COMMAND, "--batch-sizes", "1,2", "--pictures", 1, "--json").json()
    assert data["pictures"] == 1
    sizes = [s["batch_size"] for s in data["stages"] if s["stage"] == "encode"]
    assert sizes == [1, 2, 1, 2]


def test_bad_input(run_here: Run, tmp_path: Path) -> None:
    assert_one_error(run_here("bench", "throughput", "nowhere"), "folder 'nowhere' does not exist")
    assert_one_error(run_here("bench", "throughput", tmp_path), "no picture found")
    assert_one_error(run_here("bench", "throughput", "made:5"), "'made:5' is not made:COUNT")
    assert_one_error(run_here(*COMMAND, "--encoder", "magic"), "unknown encoder 'magic'")
    for sizes in ("0", "1,", "a"):
        assert_wrong_usage(run_here(*COMMAND, "--batch-sizes", sizes), f"'{sizes}' is no list")
    assert_wrong_usage(run_here(*COMMAND, "--device", "magic"), "'magic'")
