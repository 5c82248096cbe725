"""`simsearch bench duplicates`, from folder to table, JSON and plot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch.images.alterations import KINDS
from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.conftest import CliResult, save_pictures

Run = Callable[..., CliResult]
COUNTS = ("--originals", 10, "--draws", 1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 15 made pictures."""
    folder = tmp_path_factory.mktemp("photos")
    save_pictures(folder, 15)
    return folder


def test_json_and_plot(run_here: Run, photos: Path, tmp_path: Path) -> None:
    plot = tmp_path / "recall.svg"
    result = run_here("bench", "duplicates", photos, *COUNTS, "--json", "--plot", plot)
    assert result.code == 0, result.err
    data = result.json()
    assert (data["protocol"], data["references"], data["draws"]) == ("copies", 10, 1)
    figures = data["methods"]["simsearch, embeddings"]
    assert set(figures["recall_at_precision"]) == {"0.999", "0.9999"}
    assert 0 < figures["recall_at_precision"]["0.999"]["mean"] <= figures["micro_ap"]["mean"] <= 1
    assert 0.9 < figures["default"]["threshold"] < 1  # by the calibration that is shipped
    assert set(figures["kinds"]) == set(KINDS)
    shares = [share for strengths in figures["kinds"].values() for share in strengths]
    recall = figures["recall_at_precision"]["0.999"]["mean"]
    assert sum(shares) / len(shares) == pytest.approx(recall)
    text = plot.read_text()
    assert text.lstrip().startswith("<?xml")


def test_exact_copies_are_all_found(run_here: Run, photos: Path) -> None:
    result = run_here("bench", "duplicates", photos, *COUNTS, "--protocol", "exact")
    assert result.code == 0, result.err
    row = next(line for line in result.out.splitlines() if line.startswith("simsearch"))
    assert row.split()[2:5] == ["1.000", "±", "0.000"]


def test_bad_input(run_here: Run, photos: Path, tmp_path: Path) -> None:
    assert_one_error(run_here("bench", "duplicates", tmp_path / "nowhere"), "does not exist")
    assert_one_error(
        run_here("bench", "duplicates", photos, "--encoder", "magic", *COUNTS), "magic"
    )
    assert_wrong_usage(run_here("bench", "duplicates", photos, "--protocol", "magic"), "magic")
    for options, text in (
        (("--plot", "recall.txt"), "give a .svg, .png or .pdf"),
        (("--plot", "no/such/recall.svg"), "no such folder"),
        (("--peers", "/no/such/python"), "can't run '/no/such/python'"),
    ):
        result = run_here("bench", "duplicates", photos, *options)
        assert_one_error(result, text)
        assert "files" not in result.err, "nothing is measured first"
    assert_wrong_usage(run_here("bench", "nothing", photos), "No such command 'nothing'")


def test_the_commands_below_bench_are_listed(run_here: Run) -> None:
    result = run_here("bench", "--help")
    assert result.code == 0
    assert "duplicates" in result.out
