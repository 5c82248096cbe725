"""simsearch list, info, failures, check and remove, as a user runs them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch.config import DEFAULT_ENCODER
from tests.cli.conftest import Shelf, assert_one_error
from tests.conftest import CliResult

Run = Callable[..., CliResult]


@pytest.fixture
def home(shelf: Shelf, tmp_path: Path) -> Path:
    """Return a home with copies of the collection: 'pets' and 'zoo'."""
    for name in ("pets", "zoo"):
        shutil.copytree(shelf.home / "pets", tmp_path / "home" / name)
    return tmp_path / "home"


def test_list(run_cli: Run, home: Path, shelf: Shelf) -> None:
    found = run_cli("list", "--home", home, "--json").json()
    assert [item["name"] for item in found] == ["pets", "zoo"]
    assert {item["images"] for item in found} == {7}
    assert found[0]["roots"] == [str(shelf.pictures)]
    text = run_cli("list", "--home", home).out.splitlines()
    assert [line.split()[0] for line in text] == ["name", "pets", "zoo"]


def test_list_of_nothing_says_how_to_start(run_here: Run) -> None:
    result = run_here("list")
    assert result.code == 0
    assert "simsearch index FOLDER" in result.out
    assert run_here("list", "--json").json() == []


def test_list_shows_sound_collections_next_to_a_damaged_one(run_here: Run, home: Path) -> None:
    (home / "pets" / "manifest.json").write_text("damaged")
    result = run_here("list", "--home", home)
    assert "zoo" in result.out
    assert "pets" in result.out + result.err
    assert "Traceback" not in result.err


def test_info(run_here: Run, shelf: Shelf) -> None:
    info = run_here("info", "pets", "--home", shelf.home, "--json").json()
    assert (info["name"], info["images"], info["contents"], info["failures"]) == ("pets", 7, 6, 2)
    assert (info["encoder"], info["dim"], info["recipe"]) == (DEFAULT_ENCODER, 512, "flat")
    assert info["generation"] == 1
    assert info["bytes"] > 10_000
    text = run_here("info", "pets", "--home", shelf.home).out
    for value in ("7 files, 6 different contents", DEFAULT_ENCODER, "512", "flat"):
        assert value in text


def test_failures(run_here: Run, shelf: Shelf) -> None:
    listed = run_here("failures", "pets", "--home", shelf.home, "--json").json()
    assert [Path(failure["path"]).name for failure in listed] == ["cut.jpg", "empty.png"]
    text = run_here("failures", "pets", "--home", shelf.home).out
    assert "truncated" in text
    assert "empty.png" in text


def test_check_of_a_sound_collection(run_here: Run, shelf: Shelf) -> None:
    result = run_here("check", "pets", "--home", shelf.home)
    assert result.code == 0
    assert "'pets' is sound" in result.out
    report = run_here("check", "pets", "--home", shelf.home, "--json").json()
    assert (report["ok"], report["problems"], report["images"]) == (True, [], 7)


def test_check_of_a_damaged_collection_says_what_is_wrong(run_cli: Run, home: Path) -> None:
    part = next((home / "pets" / "embeddings").iterdir())
    part.write_bytes(part.read_bytes()[:-1])
    result = run_cli("check", "pets", "--home", home)
    assert result.code == 1
    assert result.out.startswith("problem: ")
    assert part.name in result.out
    report = run_cli("check", "pets", "--home", home, "--json")
    assert report.code == 1
    assert report.json()["ok"] is False
    assert part.name in report.json()["problems"][0]


def test_damaged_index_is_noted_and_the_query_answered(
    run_cli: Run, home: Path, shelf: Shelf
) -> None:
    index = next((home / "pets" / "built").glob("*/index.faiss"))
    index.write_bytes(b"garbage")
    result = run_cli("query", shelf.first, "--index", "pets", "--home", home, "--json")
    assert result.code == 0
    assert len(result.json()[0]["neighbors"]) == 5
    assert result.err.startswith("note: ")
    assert "building it again" in result.err
    assert result.err.count("\n") == 1


def test_damaged_part_is_one_error(run_here: Run, home: Path, shelf: Shelf) -> None:
    part = next((home / "pets" / "embeddings").iterdir())
    part.write_bytes(b"garbage")
    result = run_here("query", shelf.first, "--index", "pets", "--home", home)
    assert_one_error(result, part.name, "--rebuild")


def test_remove_with_yes(run_cli: Run, home: Path, shelf: Shelf) -> None:
    result = run_cli("remove", "pets", "--yes", "--home", home)
    assert result.code == 0
    assert "deleted collection 'pets' (7 pictures" in result.out
    assert not (home / "pets").exists()
    assert shelf.first.is_file()


def test_remove_asks_and_keeps_without_a_yes(run_here: Run, home: Path) -> None:
    result = run_here("remove", "pets", "--home", home)
    assert result.code == 1
    assert "delete collection 'pets'" in result.out
    assert (home / "pets" / "manifest.json").is_file()


def test_damaged_collection_can_be_removed(run_here: Run, home: Path) -> None:
    (home / "pets" / "manifest.json").write_text("damaged")
    result = run_here("remove", "pets", "--yes", "--home", home)
    assert result.code == 0
    assert not (home / "pets").exists()
