"""simsearch query, as a user runs it."""

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf
from tests.conftest import CliResult, save_pictures

Run = Callable[..., CliResult]

# Runs a command and prints which of the heavy libraries it imported.
PROBE = """
import sys
from simsearch.cli.main import main
try:
    main()
except SystemExit as done:
    heavy = {"torch", "torchvision", "timm", "faiss", "openvino", "pyarrow", "numpy", "PIL"}
    print(done.code, *sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


def test_json_lists_ranked_neighbours(run_cli: Run, shelf: Shelf) -> None:
    result = run_cli("query", shelf.first, "-k", 3, "--home", shelf.home, "--json")
    assert result.code == 0
    (answer,) = result.json()
    assert set(answer) == {"query", "neighbors"}
    assert answer["query"] == str(shelf.first)
    assert [set(neighbor) for neighbor in answer["neighbors"]] == [
        {"rank", "path", "score", "id"}
    ] * 3
    assert [neighbor["rank"] for neighbor in answer["neighbors"]] == [1, 2, 3]
    scores = [neighbor["score"] for neighbor in answer["neighbors"]]
    assert scores == sorted(scores, reverse=True)
    paths = {neighbor["path"] for neighbor in answer["neighbors"]}
    assert not paths & {str(shelf.first), str(shelf.copy)}


def test_csv_has_the_same_answers_as_json(run_here: Run, shelf: Shelf) -> None:
    command = ["query", shelf.first, shelf.pictures / "picture-001.jpg", "--home", shelf.home]
    table = list(csv.DictReader(io.StringIO(run_here(*command, "--csv").out)))
    expected = [
        (answer["query"], str(neighbor["rank"]), neighbor["path"], str(neighbor["id"]))
        for answer in run_here(*command, "--json").json()
        for neighbor in answer["neighbors"]
    ]
    assert [(row["query"], row["rank"], row["path"], row["id"]) for row in table] == expected
    assert list(table[0]) == ["query", "rank", "score", "path", "id"]


def test_table_is_for_people(run_here: Run, shelf: Shelf) -> None:
    result = run_here("query", "pets/picture-000.jpg", "-k", 2, cwd=shelf.pictures.parent)
    header, *lines = result.out.splitlines()
    assert header.split() == ["rank", "score", "path"]
    assert [line.split()[0] for line in lines] == ["1", "2"]
    assert all(line.split()[2].startswith("pets/picture-") for line in lines)
    assert "left out 2 indexed files with a query's own content" in result.err


def test_options_reach_the_query(run_here: Run, shelf: Shelf) -> None:
    command = ["query", shelf.first, "--home", shelf.home, "--index", "pets", "--json"]
    (own,) = run_here(*command, "--include-self", "--min-score", 0.99).json()
    paths = {neighbor["path"] for neighbor in own["neighbors"]}
    assert paths == {str(shelf.first), str(shelf.copy)}
    (none,) = run_here(*command, "--min-score", 1).json()
    assert none["neighbors"] == []


def test_k_larger_than_the_collection_returns_all_others(run_here: Run, shelf: Shelf) -> None:
    (answer,) = run_here("query", shelf.first, "-k", 9999, "--home", shelf.home, "--json").json()
    assert len(answer["neighbors"]) == 5


def test_folder_of_queries_and_one_that_is_unreadable(run_here: Run, shelf: Shelf) -> None:
    result = run_here("query", shelf.pictures, "--home", shelf.home, "--json")
    assert result.code == 1
    assert len(result.json()) == 7
    lines = result.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: can't read '") for line in lines)
    assert "cut.jpg' (truncated)" in result.err
    assert "empty.png' (empty)" in result.err


def test_gallery_is_one_page_with_the_answers(run_here: Run, shelf: Shelf, tmp_path: Path) -> None:
    result = run_here("query", shelf.first, "--home", shelf.home, "--gallery", "out.html")
    assert result.code == 0
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert page.startswith("<!")
    assert "picture-001.jpg" in page


def test_among_several_the_last_written_is_taken_and_named(
    run_here: Run, shelf: Shelf, tmp_path: Path
) -> None:
    for number, name in enumerate(("old", "new")):
        save_pictures(tmp_path / name, 1, first_seed=number)
        run_here("index", name, "--quiet")
    result = run_here("query", shelf.first, "--include-self", "--json")
    assert "note: searching 'new', written last; --index takes another" in result.err
    assert result.json()[0]["neighbors"][0]["path"].endswith("new/picture-001.jpg")


def test_empty_collection_has_no_neighbours(run_here: Run, shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "empty.jpg").write_bytes(b"")
    report = run_here("index", "broken", "--json")
    assert (report.code, report.json()["images"], report.json()["failed"]) == (0, 0, 1)
    (answer,) = run_here("query", shelf.first, "--json").json()
    assert answer["neighbors"] == []
    assert run_here("query", shelf.first).out == "no neighbours\n"
    assert run_here("duplicates", "--json").json()["pairs"] == []


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["query", "PICTURE", "--home", "HOME"], {"torch", "torchvision", "timm"}),
        (["duplicates", "--home", "HOME"], {"torch", "torchvision", "timm", "openvino"}),
        (["query", "--help"], {"torch", "faiss", "openvino", "pyarrow", "numpy", "PIL"}),
        (["--version"], {"torch", "faiss", "openvino", "pyarrow", "numpy", "PIL"}),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_commands_import_no_more_than_they_need(
    shelf: Shelf, arguments: list[str], unwanted: set[str]
) -> None:
    known = {"PICTURE": str(shelf.first), "HOME": str(shelf.home)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *(known.get(word, word) for word in arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    code, *imported = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert not unwanted & set(imported)
