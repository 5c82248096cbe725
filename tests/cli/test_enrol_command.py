"""simsearch enrol, as a user runs it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.conftest import CliResult, picture, save_pictures

Run = Callable[..., CliResult]


@pytest.fixture
def desk(tmp_path: Path, run_here: Run) -> Path:
    """Return a folder with a collection 'pets' of pets/cats, and pictures of another class."""
    save_pictures(tmp_path / "pets" / "cats", 2)
    assert run_here("index", "pets", "--quiet").code == 0
    whole = picture(40, 120, 120)
    for number in range(3):
        whole.crop((number * 4, 0, 96 + number * 4, 96)).save(tmp_path / f"dog{number}.png")
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return tmp_path


def classes(run: Run) -> list[str]:
    """Return what the three pictures of the other class are named, with the collection sound."""
    assert run("check", "pets").code == 0
    photos = [f"dog{number}.png" for number in range(3)]
    return [answer["nearest"] for answer in run("identify", *photos, "--json").json()]


def test_one_example_is_enough_and_can_be_taken_back(run_cli: Run, desk: Path) -> None:
    assert classes(run_cli) == ["cats"] * 3
    made = run_cli("enrol", "dogs", "dog0.png")
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines() == [
        "enrolled 1 picture as 'dogs' in 'pets'",
        "next: simsearch identify PHOTO --index pets",
    ]
    assert classes(run_cli) == ["cats", "dogs", "dogs"]  # the example itself is left out
    again = run_cli("enrol", "dogs", "dog0.png")
    assert (again.code, again.out) == (0, "nothing new for 'dogs' in 'pets'\n")
    assert again.err == "note: 'dog0.png' is already enrolled as 'dogs'\n"
    gone = run_cli("enrol", "dogs", "--remove")
    assert (gone.code, gone.out) == (0, "removed 1 picture of 'dogs' from 'pets'\n")
    assert classes(run_cli) == ["cats"] * 3
    assert not (desk / "indexes" / "pets" / "enrolled").exists()


def test_housekeeping_knows_the_enrolled(run_here: Run, desk: Path) -> None:
    run_here("enrol", "dogs", "dog0.png", "dog1.png")
    root = str(desk / "indexes" / "pets" / "enrolled")
    info = run_here("info", "pets", "--json").json()
    assert (info["images"], set(info["roots"])) == (4, {str(desk / "pets"), root})
    assert run_here("index", "pets", "--json").json()["images"] == 4
    rebuilt = run_here("index", "pets", "--rebuild", "--json").json()
    assert (rebuilt["images"], rebuilt["new"], rebuilt["removed"]) == (4, 4, 0)
    save_pictures(desk / "elsewhere" / "pets", 1)
    refused = run_here("index", "elsewhere/pets")
    assert_one_error(refused, f"collection 'pets' is of '{desk / 'pets'}'")
    kept = run_here("remove", "pets")
    assert "and its enrolled copies?" in kept.out
    assert run_here("remove", "pets", "--yes").code == 0
    assert (desk / "dog0.png").exists()
    assert not (desk / "indexes" / "pets").exists()


def test_among_several_the_last_written_is_taken_and_named(run_here: Run, desk: Path) -> None:
    save_pictures(desk / "birds", 1, first_seed=60)
    run_here("index", "birds", "--quiet")
    made = run_here("enrol", "dogs", "dog0.png")
    assert "note: enrolling into 'birds', written last; --index takes another" in made.err
    assert run_here("enrol", "dogs", "dog0.png", "--index", "pets").err == ""
    gone = run_here("enrol", "dogs", "--remove")
    assert "note: removing from 'pets', written last" in gone.err


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("dogs nowhere.jpg", "can't read 'nowhere.jpg'"),
        ("dogs dog0.png cut.jpg", "can't read 'cut.jpg'"),
        ("dogs pets", "can't read 'pets' (unreadable)"),
        (".. dog0.png", "'..' can't be the name of a class"),
        (".dogs dog0.png", "must not be empty, start with '.'"),
        ("a/b dog0.png", "'a/b' can't be the name of a class"),
        ("dogs dog0.png --index pet", "did you mean 'pets'?"),
        ("dogs dog0.png --home nowhere", "no collection in 'nowhere'"),
        ("dogs --remove", "'dogs' is not enrolled in 'pets'; no class is"),
        ("cats --remove", "'cats' is not enrolled in 'pets'"),
        ("dogs --remove --index pet", "did you mean 'pets'?"),
        ("../pets --remove", "can't be the name of a class"),
    ],
)
def test_error_is_one_line_and_leaves_nothing_behind(
    run_here: Run, desk: Path, arguments: str, mentions: str
) -> None:
    before = sorted(desk.rglob("*"))
    assert_one_error(run_here("enrol", *arguments.split()), mentions)
    assert sorted(desk.rglob("*")) == before


def test_misspelt_class_is_suggested(run_here: Run, desk: Path) -> None:
    run_here("enrol", "dogs", "dog0.png")
    assert_one_error(run_here("enrol", "dog", "--remove"), "did you mean 'dogs'?")


def test_empty_name(run_here: Run, desk: Path) -> None:
    assert_one_error(run_here("enrol", "", "dog0.png"), "'' can't be the name of a class")


@pytest.mark.parametrize("arguments", ["", "dogs", "dogs dog0.png --remove"])
def test_wrong_usage(run_here: Run, desk: Path, arguments: str) -> None:
    assert_wrong_usage(run_here("enrol", *arguments.split()), "Usage")
