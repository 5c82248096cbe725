"""simsearch duplicates, as a user runs it."""

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch import Collection
from tests.cli.conftest import Shelf, assert_one_error, assert_wrong_usage
from tests.conftest import CliResult
from tests.local.test_alignment import detailed

Run = Callable[..., CliResult]


def test_json_lists_pairs_and_groups(run_cli: Run, shelf: Shelf) -> None:
    result = run_cli("duplicates", "--home", shelf.home, "--threshold", 0.5, "--json")
    assert result.code == 0
    found = result.json()
    assert set(found) == {"threshold", "precision", "pairs", "groups"}
    assert (found["threshold"], found["precision"]) == (0.5, None)
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


def test_without_the_second_look_the_ratio_comes_from_the_calibration(
    run_here: Run, shelf: Shelf
) -> None:
    cuts = []
    for precision in ("0.5", "0.9"):
        result = run_here(
            *("duplicates", "--home", shelf.home, "--no-recheck", "--precision", precision),
            "--json",
        )
        found = result.json()
        assert (found["threshold"], found["precision"]) == (None, float(precision))
        assert "too few different pictures to calibrate on" in result.err
        assert {pair["kind"] for pair in found["pairs"]} <= {"exact", "same-pixels", "copy"}
        (cut,) = re.findall(r"copies: ([\d.]+) times as near", result.err)
        cuts.append(float(cut))
    assert 1 < cuts[0] < cuts[1]


def test_a_precision_out_of_reach_is_told(run_here: Run, shelf: Shelf) -> None:
    result = run_here(
        "duplicates", "--home", shelf.home, "--no-recheck", "--precision", "0.999999999"
    )
    assert result.code == 0
    assert "warning: a precision of 1 is out of reach by cosines alone" in result.err


@pytest.mark.parametrize(
    "options",
    [["--precision", "0"], ["--precision", "1"], ["--precision", "0.9", "--threshold", 1]],
)
def test_precisions_that_are_none(run_here: Run, shelf: Shelf, options: list[object]) -> None:
    assert run_here("duplicates", "--home", shelf.home, *options).code == 2


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an indexed `pile`: three pictures, a twin and a small copy of one."""
    place = tmp_path_factory.mktemp("pile")
    (place / "pile" / "sub").mkdir(parents=True)
    for seed in range(3):
        detailed(seed).save(place / "pile" / f"{seed}.png")
    detailed(0).resize((240, 180)).save(place / "pile" / "sub" / "small.jpg")
    shutil.copyfile(place / "pile" / "0.png", place / "pile" / "sub" / "twin.png")
    Collection("pile", home=place / "indexes").add(place / "pile")
    return place


def test_a_second_look_tells_copies(run_here: Run, pile: Path) -> None:
    result = run_here("duplicates", "--json", cwd=pile)
    assert result.code == 0
    found = result.json()
    assert found["threshold"] is None
    assert [pair["kind"] for pair in found["pairs"]] == ["exact", "copy"]
    (group,) = found["groups"]
    assert group["best"] == group["members"][0] == str(pile / "pile" / "0.png")
    assert group["weakest"] == str(pile / "pile" / "sub" / "small.jpg")
    text = run_here("duplicates", cwd=pile).out
    assert "1 group, 2 pairs (1 exact, 1 copy)" in text
    assert "copy        pile/sub/small.jpg" in text


def test_plan_apply_undo(run_here: Run, pile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    shutil.copytree(pile / "pile", folder / "pile")
    assert run_here("index", "pile", cwd=folder).code == 0
    before = {path: path.read_bytes() for path in folder.glob("pile/**/*.*")}
    made = run_here("duplicates", "--prefer", "pile/sub", "--plan", "plan.csv", cwd=folder)
    assert made.code == 0
    assert "plan: plan.csv, 2 files" in made.err
    rows = list(csv.DictReader(io.StringIO((folder / "plan.csv").read_text(encoding="utf-8"))))
    kept = [row["path"] for row in rows if row["action"] == "keep"]
    assert kept == [str(folder / "pile" / "sub" / "twin.png")]
    assert run_here("apply", "plan.csv", "--to", "out", "--yes", cwd=folder).code == 0
    assert not (folder / "pile" / "0.png").exists()
    assert run_here("undo", "plan.apply.jsonl", cwd=folder).code == 0
    assert {path: path.read_bytes() for path in folder.glob("pile/**/*.*")} == before


def test_protected_and_reference_folders(run_here: Run, pile: Path, tmp_path: Path) -> None:
    for option, dropped in (("--protect", {"0.png"}), ("--reference", {"0.png"})):
        plan = tmp_path / f"plan{option}.csv"
        result = run_here(
            "duplicates", option, "pile/sub", "--prefer", "pile/sub", "--plan", plan, cwd=pile
        )
        assert result.code == 0
        rows = list(csv.DictReader(io.StringIO(plan.read_text(encoding="utf-8"))))
        assert {Path(row["path"]).name for row in rows if row["action"] == "drop"} == dropped


@pytest.fixture
def own_pile(run_here: Run, pile: Path, tmp_path: Path) -> Path:
    """Return a fresh folder with the pile and its index."""
    shutil.copytree(pile / "pile", tmp_path / "own" / "pile")
    assert run_here("index", "pile", cwd=tmp_path / "own").code == 0
    return tmp_path / "own"


def pairs_of(run_here: Run, place: Path) -> set[frozenset[str]]:
    found = run_here("duplicates", "--json", cwd=place).json()["pairs"]
    return {frozenset({Path(pair["a"]).name, Path(pair["b"]).name}) for pair in found}


def test_what_was_told_apart_does_not_come_back(run_here: Run, own_pile: Path) -> None:
    assert frozenset({"0.png", "small.jpg"}) in pairs_of(run_here, own_pile)
    command = ("duplicates", "--not-duplicate", "pile/0.png", "pile/sub/small.jpg")
    result = run_here(*command, cwd=own_pile)
    assert result.out == "1 pair more of 'pile' told apart\n"
    assert run_here(*command, cwd=own_pile).out == "0 pairs more of 'pile' told apart\n"
    (own_pile / "pile" / "sub" / "small.jpg").rename(own_pile / "pile" / "renamed.jpg")
    assert run_here("index", "pile", "--rebuild", cwd=own_pile).code == 0
    assert pairs_of(run_here, own_pile) == {frozenset({"0.png", "twin.png"})}
    assert run_here("check", "pile", cwd=own_pile).code == 0


def test_a_new_member_reopens_the_group(run_here: Run, own_pile: Path) -> None:
    run_here("duplicates", "--not-duplicate", "pile/0.png", "pile/sub/small.jpg", cwd=own_pile)
    detailed(0).resize((360, 270)).save(own_pile / "pile" / "new.jpg")
    assert run_here("index", "pile", cwd=own_pile).code == 0
    pairs = pairs_of(run_here, own_pile)
    assert frozenset({"new.jpg", "small.jpg"}) in pairs
    assert frozenset({"new.jpg", "0.png"}) in pairs
    assert frozenset({"0.png", "small.jpg"}) not in pairs


def test_a_plan_marked_by_hand_is_remembered(run_here: Run, own_pile: Path) -> None:
    assert run_here("duplicates", "--plan", "plan.csv", cwd=own_pile).code == 0
    plan = own_pile / "plan.csv"
    lines = plan.read_text(encoding="utf-8").splitlines(keepends=True)
    marked = [
        line.replace(",drop,", ",not-duplicate,") if "small.jpg" in line else line for line in lines
    ]
    plan.write_text("".join(marked), encoding="utf-8")
    result = run_here("duplicates", "--reviewed", "plan.csv", cwd=own_pile)
    assert result.out == "1 pair more of 'pile' told apart\n"
    assert pairs_of(run_here, own_pile) == {frozenset({"0.png", "twin.png"})}


def test_what_cannot_be_told_apart(run_here: Run, own_pile: Path) -> None:
    def told(a: str, b: str) -> CliResult:
        return run_here("duplicates", "--not-duplicate", a, b, cwd=own_pile)

    assert_one_error(told("pile/0.png", "pile/sub/twin.png"), "have the same bytes")
    assert_one_error(told("pile/0.png", "pile/none.png"), "none.png")
    (own_pile / "stranger.png").write_bytes(b"not indexed")
    assert_one_error(told("pile/0.png", "stranger.png"), "'stranger.png' is not in 'pile'")
    ledger = own_pile / "indexes" / "pile" / "not-duplicates.csv"
    ledger.write_text("no hashes\n")
    assert_one_error(run_here("duplicates", "--exact", cwd=own_pile), "line 1 is no pair of hashes")


def test_wrong_rules_and_folders(run_here: Run, pile: Path, tmp_path: Path) -> None:
    assert_wrong_usage(run_here("duplicates", "--keep", "beauty", cwd=pile), "'beauty' is none of")
    assert_one_error(
        run_here("duplicates", "--protect", "nowhere", cwd=pile), "'nowhere' does not exist"
    )
    (tmp_path / "empty").mkdir()
    stranger = run_here("duplicates", "--exact", "--protect", tmp_path / "empty", cwd=pile)
    assert stranger.code == 0
    assert f"no picture of 'pile' lies in '{tmp_path / 'empty'}'" in stranger.err
    (tmp_path / "plan.csv").touch()
    again = run_here("duplicates", "--exact", "--plan", tmp_path / "plan.csv", cwd=pile)
    assert again.code == 1
    assert "exists; delete it or choose another name" in again.err


@pytest.mark.parametrize("option", ["--plan", "--gallery"])
def test_a_place_that_is_not_there_is_told_before_any_look(
    run_here: Run, pile: Path, option: str
) -> None:
    result = run_here("duplicates", option, "no/such/place", cwd=pile)
    assert_one_error(result, "can't write 'no/such/place'")


@pytest.mark.parametrize("options", [["--similar"], ["--no-recheck"], ["--precision", 0.9]])
def test_equal_bytes_and_looks_are_two_questions(
    run_here: Run, pile: Path, options: list[object]
) -> None:
    refused = run_here("duplicates", "--exact", *options, cwd=pile)
    assert_wrong_usage(refused, "--exact", str(options[0]))


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


def gallery_marks(page: str) -> dict[str, str]:
    """Return what each card of a gallery says of its file, by the file's path."""
    cards = re.findall(r">(?:✓ |✗ )?([a-z ]+)</mark>.*?<span>(.*?)</span><small>(.*?)<", page)
    return {f"{folder}/{name}": action for action, name, folder in cards}


@pytest.mark.parametrize("options", [[], ["--protect", "pile/sub"], ["--prefer", "pile/sub"]])
def test_the_gallery_marks_what_the_plan_decides(
    run_here: Run, pile: Path, tmp_path: Path, options: list[str]
) -> None:
    plan, page = tmp_path / "plan.csv", tmp_path / "out.html"
    result = run_here("duplicates", *options, "--plan", plan, "--gallery", page, cwd=pile)
    assert result.code == 0
    assert f"gallery: {page}\n" in result.err
    rows = list(csv.DictReader(io.StringIO(plan.read_text(encoding="utf-8"))))
    marks = gallery_marks(page.read_text(encoding="utf-8"))
    assert marks == {row["path"]: row["action"] for row in rows}
    assert len(marks) == 3


def test_what_no_plan_touches_is_left_alone(run_here: Run, pile: Path, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    assert run_here("duplicates", "--reference", tmp_path, "--gallery", page, cwd=pile).code == 0
    marks = gallery_marks(page.read_text(encoding="utf-8"))
    assert list(marks.values()) == ["left alone"] * 3


def test_gallery_is_one_page_with_the_groups(run_here: Run, shelf: Shelf, tmp_path: Path) -> None:
    result = run_here("duplicates", "--home", shelf.home, "--gallery", "out.html")
    assert result.code == 0
    assert "copy.jpg" in (tmp_path / "out.html").read_text(encoding="utf-8")
