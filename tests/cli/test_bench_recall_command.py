"""`simsearch bench recall` and `bench tune`, from vectors to tables, lines and what is kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf, assert_one_error, assert_wrong_usage
from tests.conftest import CliResult

Run = Callable[..., CliResult]
SOURCE = ("bench", "recall", "synthetic:300,8", "--sample", 20, "--repeat", 1, "-k", 3)


def test_lines_plot_and_table(run_here: Run, tmp_path: Path) -> None:
    command = (*SOURCE, "--recipes", "flat,ivf", "--out", "runs.jsonl", "--home", "home")
    result = run_here(*command, "--json", "--plot", "recall.svg", cwd=tmp_path)
    assert result.code == 0, result.err
    runs = [json.loads(line) for line in result.out.splitlines()]
    assert {run["engine"] for run in runs} == {"simsearch/flat", "simsearch/ivf"}
    assert {run["mode"] for run in runs} == {"single", "batch"}
    assert all(0 <= run["recall"] <= 1 for run in runs)
    assert (tmp_path / "recall.svg").read_text().lstrip().startswith("<?xml")
    kept = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in kept] == runs

    table = run_here(*command, cwd=tmp_path)
    assert table.code == 0, table.err
    assert "synthetic:300,8: 280 x 8, cosine; 20 queries, k 3, 1 thread" in table.out
    assert "3-recall@3 by distance" in table.out
    assert (tmp_path / "runs.jsonl").read_text().splitlines() == kept, "nothing is run again"


def test_a_collection(run_here: Run, shelf: Shelf) -> None:
    result = run_here(
        *("bench", "recall", "pets", "--home", shelf.home, "--recipes", "flat"),
        *("--mode", "single", "--repeat", 1, "-k", 2, "--json"),
    )
    assert result.code == 0, result.err
    (run,) = map(json.loads, result.out.splitlines())
    assert (run["dataset"], run["metric"], run["dim"]) == ("pets", "cosine", 512)
    assert run["recall"] == 1


def test_bad_input(run_here: Run, tmp_path: Path) -> None:
    home = ("--home", tmp_path / "home")
    assert_one_error(run_here("bench", "recall", "none", *home), "no collection 'none'")
    assert_one_error(run_here("bench", "recall", "no.npy", *home), "can't read 'no.npy'")
    assert_one_error(run_here(*SOURCE, *home, "--plot", "x.txt"), "give a .svg, .png or .pdf")
    assert_one_error(run_here(*SOURCE, *home, "--out", "no/such/runs.jsonl"), "no such folder")
    assert_wrong_usage(run_here(*SOURCE, *home, "--recipes", "flat,magic"), "'magic' is none of")
    assert_wrong_usage(run_here(*SOURCE, *home, "--mode", "magic"), "'magic' is none of")
    assert_wrong_usage(run_here(*SOURCE, *home, "--metric", "magic"), "'magic' is none of")
    text = tmp_path / "runs.jsonl"
    text.write_text("no runs\n")
    assert_one_error(run_here(*SOURCE, *home, "--out", text), "holds no runs")


def test_an_exact_index_needs_no_tuning(run_here: Run, shelf: Shelf) -> None:
    result = run_here("bench", "tune", "pets", "--home", shelf.home)
    assert result.code == 0, result.err
    assert "compares every vector: its recall is 1" in result.out
    info = run_here("info", "pets", "--home", shelf.home, "--json").json()
    assert (info["tuning"]["effort"], info["tuning"]["measured"]) == (0, 1)
    assert_one_error(run_here("bench", "tune", "none", "--home", shelf.home), "'none'")


@pytest.mark.parametrize("recall", ["0", "1.1", "much"])
def test_no_such_recall(run_here: Run, shelf: Shelf, recall: str) -> None:
    result = run_here("bench", "tune", "pets", "--home", shelf.home, "--recall", recall)
    assert_wrong_usage(result, "--recall")
