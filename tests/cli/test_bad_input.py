"""What a user can get wrong: one line that says what and why, and the exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shelf, assert_one_error, assert_wrong_usage
from tests.conftest import CliResult, save_pictures

Run = Callable[..., CliResult]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with a folder of pictures, one without, a text and a broken picture."""
    save_pictures(tmp_path / "cats", 1)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("no picture")
    (tmp_path / "file.txt").write_text("text")
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("index nowhere", "folder 'nowhere' does not exist"),
        ("index file.txt", "'file.txt' is a file"),
        ("index texts", "no picture found"),
        ("index cats nowhere", "folder 'nowhere' does not exist"),
        ("index cats --home file.txt", "can't write"),
        ("index cats --home file.txt/below", "can't write"),
        ("index cats --name a/b", "'a/b' can't be a collection's name"),
        ("index cats --encoder magic", "unknown encoder 'magic'"),
        ("index cats --encoder nowhere/folder", "unknown encoder 'nowhere/folder'"),
        ("index /", "can't be a collection's name"),
        ("index ~nosuchuser/cats", "~nosuchuser/cats"),
        ("index " + "long" * 100, "longlong"),
        ("query cats/picture-000.jpg", "no collection in 'indexes'"),
        ("query cats/picture-000.jpg --home file.txt", "no collection in 'file.txt'"),
        ("query cats/picture-000.jpg --index cats", "no collection 'cats'"),
        ("query cats/picture-000.jpg --index ../x", "can't be a collection's name"),
        ("duplicates", "simsearch index FOLDER"),
        ("info cats", "no collection 'cats'"),
        ("failures cats", "no collection 'cats'"),
        ("check cats", "no collection 'cats'"),
        ("remove cats --yes", "no collection 'cats'"),
    ],
    ids=lambda value: value[:40],
)
def test_error_is_one_line_and_leaves_nothing_behind(
    run_here: Run, desk: Path, arguments: str, mentions: str
) -> None:
    before = sorted(desk.rglob("*"))
    result = run_here(*arguments.split())
    assert_one_error(result, mentions)
    left = [path for path in desk.rglob("*") if path not in before and path.name != "indexes"]
    assert left == []


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("query PICTURE --index pet", "did you mean 'pets'?"),
        ("query PICTURE --index zebra", "there are: pets"),
        ("info Pets", "did you mean 'pets'?"),
        ("query nowhere.jpg", "can't read 'nowhere.jpg' (unreadable)"),
        ("query cut.jpg", "can't read 'cut.jpg'"),
        ("query file.txt", "can't read 'file.txt' (not-a-picture)"),
        ("query texts", "no picture found in 'texts'"),
    ],
)
def test_error_of_a_question(
    run_here: Run, desk: Path, shelf: Shelf, arguments: str, mentions: str
) -> None:
    words = [str(shelf.first) if word == "PICTURE" else word for word in arguments.split()]
    assert_one_error(run_here(*words, env={"SIMSEARCH_HOME": str(shelf.home)}), mentions)


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_unreadable_query_leaves_the_output_well_formed(
    run_here: Run, desk: Path, shelf: Shelf, option: str
) -> None:
    result = run_here("query", "cut.jpg", "--home", shelf.home, option)
    assert result.code == 1
    assert result.err.startswith("error: can't read 'cut.jpg'")
    assert result.out in {"[]\n", "query,rank,score,path,id\n"}


def test_gallery_that_cannot_be_written(run_here: Run, shelf: Shelf) -> None:
    result = run_here("query", shelf.first, "--home", shelf.home, "--gallery", "nowhere/out.html")
    assert result.code == 1
    assert "error: can't write 'nowhere/out.html'" in result.err


def test_process_prints_one_line_and_its_exit_code(run_cli: Run, desk: Path, shelf: Shelf) -> None:
    assert_one_error(run_cli("index", "nowhere"), "folder 'nowhere' does not exist")
    assert_one_error(run_cli("query", "cut.jpg", "--home", shelf.home), "can't read 'cut.jpg'")
    assert_wrong_usage(run_cli("query", "cut.jpg", "-k", 0), "'-k'")


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("query x.jpg -k 0", "'-k'"),
        ("query x.jpg -k -1", "-1"),
        ("query x.jpg -k many", "'many'"),
        ("query x.jpg --min-score 2", "'--min-score'"),
        ("query x.jpg --json --csv", "--csv"),
        ("query", "FILE"),
        ("duplicates --json --csv", "--csv"),
        ("duplicates --threshold 1.5", "'--threshold'"),
        ("duplicates --threshold high", "'high'"),
        ("bench recall synthetic:9,3 -k few", "'few'"),
        ("index", "FOLDER"),
        ("index cats --device bogus", "'bogus'"),
        ("index cats --workers 0", "'--workers'"),
        ("index cats --batch-size 0", "'--batch-size'"),
        ("index cats --bogus", "--bogus"),
        ("bogus", "'bogus'"),
    ],
)
def test_wrong_usage(run_here: Run, desk: Path, arguments: str, mentions: str) -> None:
    assert_wrong_usage(run_here(*arguments.split()), mentions)
    assert not (desk / "indexes").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_home_without_write_permission(run_here: Run, desk: Path) -> None:
    (desk / "home").mkdir(mode=0o555)
    assert_one_error(run_here("index", "cats", "--home", "home"), "no write permission")


def test_reader_that_goes_away_is_no_traceback(shelf: Shelf) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "simsearch", "duplicates", "--csv", "--home", str(shelf.home)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "remedy"), [("nowhere.jpg", "check the path"), ("cut.jpg", "give another picture")]
)
def test_an_unreadable_query_says_what_to_do(
    shelf: Shelf, run_here: Callable[..., CliResult], name: str, remedy: str
) -> None:
    result = run_here("query", shelf.pictures / name, "--home", shelf.home)
    assert_one_error(result, name, remedy)
