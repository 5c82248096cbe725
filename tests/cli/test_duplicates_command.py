"""simsearch duplicates, as a user runs it."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf
from tests.conftest import CliResult

Run = Callable[..., CliResult]


def test_json_lists_pairs_and_groups(run_cli: Run, shelf: Shelf) -> None:
    result = run_cli("duplicates", "--home", shelf.home, "--threshold", 0.5, "--json")
    assert result.code == 0
    found = result.json()
    assert set(found) == {"threshold", "pairs", "groups"}
    assert found["threshold"] == 0.5
    assert {frozenset(pair) for pair in found["pairs"]} == {frozenset({"a", "b", "score", "kind"})}
    keys = frozenset({"best", "members", "min_score", "weakest"})
    assert {frozenset(group) for group in found["groups"]} == {keys}
    first = found["pairs"][0]
    assert {first["a"], first["b"]} == {str(shelf.first), str(shelf.copy)}
    assert (first["kind"], first["score"]) == ("exact", 1)
    assert {pair["kind"] for pair in found["pairs"][1:]} == {"similar"}


@pytest.mark.parametrize("options", [["--exact"], ["--threshold", "1"]])
def test_only_equal_content(run_here: Run, shelf: Shelf, options: list[str]) -> None:
    found = run_here("duplicates", "--home", shelf.home, "--json", *options).json()
    assert [pair["kind"] for pair in found["pairs"]] == ["exact"]
    (group,) = found["groups"]
    assert group["members"] == [group["best"], group["weakest"]]
    assert set(group["members"]) == {str(shelf.first), str(shelf.copy)}
    assert group["min_score"] == 1


def test_default_threshold_is_nine_tenths(run_here: Run, shelf: Shelf) -> None:
    found = run_here("duplicates", "--home", shelf.home, "--json").json()
    assert found["threshold"] == 0.9
    assert all(pair["score"] >= 0.9 for pair in found["pairs"])


def test_csv_and_text_have_the_same_pairs_as_json(run_here: Run, shelf: Shelf) -> None:
    command = ["duplicates", "--home", shelf.home, "--index", "pets", "--threshold", 0.8]
    found = run_here(*command, "--json").json()
    table = list(csv.DictReader(io.StringIO(run_here(*command, "--csv").out)))
    assert list(table[0]) == ["a", "b", "score", "kind"]
    assert [(row["a"], row["b"], float(row["score"]), row["kind"]) for row in table] == [
        (pair["a"], pair["b"], pair["score"], pair["kind"]) for pair in found["pairs"]
    ]
    text = run_here(*command).out
    assert f"{len(found['pairs'])} pairs" in text
    assert all(Path(pair["a"]).name in text for pair in found["pairs"])


def test_gallery_is_one_page_with_the_groups(run_here: Run, shelf: Shelf, tmp_path: Path) -> None:
    result = run_here("duplicates", "--home", shelf.home, "--gallery", "out.html")
    assert result.code == 0
    assert "copy.jpg" in (tmp_path / "out.html").read_text(encoding="utf-8")
