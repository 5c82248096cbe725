"""File names with spaces, line breaks, markup and bytes that are no UTF-8."""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch import Collection
from tests.cli.conftest import assert_one_error
from tests.conftest import CliResult, picture

Run = Callable[..., CliResult]
NAMES = [
    b"two words.png",
    "Füße 猫.png".encode(),
    b"line\nbreak.png",
    b"escape\x1b[31m.png",
    b"[red]markup[bold].png",
    b"latin-\xe9.png",
    b"-k.png",
    b'quote",comma.png',
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds `odd`, pictures with odd names, and `indexes`."""
    place = tmp_path_factory.mktemp("odd-names")
    (place / "odd").mkdir()
    for seed, name in enumerate(NAMES):
        with (place / "odd" / os.fsdecode(name)).open("wb") as stream:
            picture(seed).save(stream, "PNG")
    (place / "odd" / os.fsdecode(b"broken\n[b]\xff.png")).touch()
    Collection("odd", home=place / "indexes").add(place / "odd")
    return place


def full_paths(odd: Path) -> set[str]:
    return {str(odd / "odd" / os.fsdecode(name)) for name in NAMES}


def test_json_has_every_path_as_it_is(run_cli: Run, odd: Path) -> None:
    (answer,) = run_cli("query", "odd/two words.png", "-k", 99, "--json", cwd=odd).json()
    paths = {neighbor["path"] for neighbor in answer["neighbors"]}
    assert paths == full_paths(odd) - {str(odd / "odd" / "two words.png")}


def test_csv_has_every_path_byte_for_byte(run_cli: Run, odd: Path) -> None:
    result = run_cli("query", "odd/two words.png", "--include-self", "--csv", cwd=odd)
    table = csv.DictReader(io.StringIO(result.out, newline=""))
    assert {row["path"] for row in table} == full_paths(odd)


def test_table_has_one_harmless_line_a_picture(run_cli: Run, odd: Path) -> None:
    result = run_cli("query", "odd/two words.png", "-k", 99, "--include-self", cwd=odd)
    assert len(result.out.splitlines()) == 1 + len(NAMES)
    assert "\x1b" not in result.out
    for shown in ("odd/line\\nbreak.png", "odd/[red]markup[bold].png", "odd/Füße 猫.png"):
        assert shown in result.out
    assert "odd/latin-\\udce9.png" in result.out or "odd/latin-\\xe9.png" in result.out


@pytest.mark.parametrize("command", ["duplicates --threshold -1", "failures odd"])
def test_other_lists_are_harmless_too(run_here: Run, odd: Path, command: str) -> None:
    result = run_here(*command.split(), cwd=odd)
    assert result.code == 0
    assert "\x1b" not in result.out
    assert not any(line.startswith("break") for line in result.out.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_a_query(run_here: Run, odd: Path, name: bytes) -> None:
    query = os.fsdecode(b"odd/" + name)
    result = run_here("query", query, "--include-self", "-k", 1, "--json", cwd=odd)
    (answer,) = result.json()
    assert answer["query"] == query
    assert answer["neighbors"][0]["path"] == str(odd / query)


@pytest.mark.parametrize("command", ["index", "query"])
@pytest.mark.parametrize("name", ["no\nsuch", "no\rsuch", "no\x1b[31msuch", "no[red]such"])
def test_error_about_an_odd_name_is_one_harmless_line(
    run_here: Run, odd: Path, command: str, name: str
) -> None:
    result = run_here(command, name, cwd=odd)
    assert result.code == 1
    assert result.err.startswith("error: ")
    assert result.err.endswith("\n")
    assert result.err[:-1].isprintable()


def test_collection_may_be_named_after_an_odd_folder(run_here: Run, tmp_path: Path) -> None:
    folder = tmp_path / "two words [red] Füße"
    folder.mkdir()
    picture(1).save(folder / "one.png")
    for command in ("index", "list", "info", "check", "failures"):
        argument = {"index": [folder], "list": []}.get(command, [folder.name])
        result = run_here(command, *argument)
        assert result.code == 0
        assert folder.name in result.out


@pytest.mark.parametrize("name", ["bell\x07", "latin-\udce9"])
def test_folder_whose_name_is_no_name_for_a_collection(
    run_cli: Run, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    picture(1).save(folder / "one.png")
    assert_one_error(run_cli("index", folder), "--name")
    assert run_cli("index", folder, "--name", "odd", "--json").json()["root"] == str(folder)


def test_home_that_is_no_utf_8(run_cli: Run, tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    picture(1).save(tmp_path / "cats" / "one.png")
    home = tmp_path / "latin-\udce9"
    result = run_cli("index", "cats", "--home", home)
    assert "Traceback" not in result.err
    assert result.code == 0 or result.err.startswith("error: ")


def test_gallery_takes_every_name(run_here: Run, odd: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    result = run_here("duplicates", "--threshold", -1, "--gallery", page, cwd=odd)
    assert result.code == 0
    assert "[red]markup[bold].png" in page.read_text(encoding="utf-8")
