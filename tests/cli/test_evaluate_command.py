"""simsearch evaluate, as a user meets it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch.config import DEFAULT_BACKBONE, DEFAULT_ENCODER
from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.conftest import CliResult, picture

Run = Callable[..., CliResult]
RETRIEVAL = {f"recall_at_{k}" for k in (1, 2, 4, 8)} | {"precision_at_1", "r_precision", "map_at_r"}
VERIFICATION = {"auc", "eer", "accuracy_at_half", "same_pairs", "different_pairs", "all_pairs"}
CALIBRATED = {"accuracy_at_calibrated", "brier", "ece", "cllr"}
OTHERS = {"tar_at_far", "few_shot", "open_set", "runs", "intervals", "images", "classes", "failed"}
ENCODER = {"encoder", "dim", "calibrated"}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with `things`, three classes of three shifted pictures, and a broken one."""
    for number in range(3):
        folder = tmp_path / "things" / f"thing{number}"
        folder.mkdir(parents=True)
        whole = picture(number, 120, 120)
        for shift in (0, 5, 10):
            whole.crop((shift, 0, 96 + shift, 96)).save(folder / f"{shift}.png")
    (tmp_path / "things" / "thing0" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return tmp_path


def test_json_has_every_figure(run_cli: Run, desk: Path) -> None:
    plan = ("--device", "cpu", "--episodes", 20, "--json")
    result = run_cli("evaluate", "things", *plan, "--encoder", DEFAULT_BACKBONE)
    assert result.code == 0, result.err
    data = result.json()
    assert set(data) == RETRIEVAL | VERIFICATION | CALIBRATED | OTHERS | ENCODER
    assert (data["images"], data["classes"], data["failed"]) == (9, 3, 1)
    assert (data["encoder"], data["dim"], data["calibrated"]) == (DEFAULT_BACKBONE, 1280, False)
    assert data["recall_at_1"] == data["map_at_r"] == data["auc"] == 1
    assert (data["same_pairs"], data["different_pairs"]) == (9, 27)
    assert data["tar_at_far"] == {"0.1": 1}
    assert [data[name] for name in sorted(CALIBRATED)] == [None] * 4
    assert data["few_shot"] == {"ways": 3, "shots": 1, "episodes": 20, "accuracy": 1}
    assert data["open_set"] == {"fpir": 0.01, "dir": None, "known": 1, "unknown": 2}
    assert data["runs"] is None
    assert set(data["intervals"]) == RETRIEVAL | {
        "auc", "eer", "tar_at_far", "accuracy_at_half", "few_shot",
    }  # fmt: skip
    assert data["intervals"]["tar_at_far"] == {"0.1": [1, 1]}
    assert data["intervals"]["recall_at_1"] == [1, 1]
    assert "few-shot is 3-way, not 20-way" in result.err
    assert "1 of 10 pictures can't be read" in result.err


def test_the_default_encoder_is_calibrated(run_here: Run, desk: Path) -> None:
    plan = ("--device", "cpu", "--episodes", 20, "--json")
    data = run_here("evaluate", "things", *plan).json()
    assert (data["encoder"], data["dim"], data["calibrated"]) == (DEFAULT_ENCODER, 512, True)
    assert all(data[name] >= 0 for name in CALIBRATED)
    assert set(data["intervals"]) >= CALIBRATED


def test_table_and_pairs(run_here: Run, desk: Path) -> None:
    plan = ("--device", "cpu", "--episodes", 20, "--ways", 3)
    result = run_here("evaluate", "things", *plan, "--encoder", DEFAULT_BACKBONE)
    assert result.code == 0, result.err
    assert f"{DEFAULT_BACKBONE} (1280 values) on 9 pictures of 3 classes" in result.out
    lines = {line.split("  ")[0]: line.split() for line in result.out.splitlines() if line}
    assert lines["recall_at_1"] == ["recall_at_1", "1.0000", "1.0000", "to", "1.0000"]
    assert lines["brier"] == ["brier", "-"]
    assert lines["3-way 1-shot accuracy"][3] == "1.0000"
    assert "verified 9 pairs of the same class and 27 of different ones" in result.out
    assert "no calibration" in result.out

    (desk / "pairs.csv").write_text(
        "a,b,same\nthings/thing0/0.png,things/thing0/5.png,1\n"
        "things/thing0/0.png,things/thing1/0.png,0\n"
    )
    data = run_here("evaluate", "--pairs", "pairs.csv", "--device", "cpu", "--json").json()
    assert (data["auc"], data["same_pairs"], data["different_pairs"]) == (1, 1, 1)
    assert (data["recall_at_1"], data["few_shot"], data["images"]) == (None, None, 3)


def test_runs(run_here: Run, desk: Path) -> None:
    run = desk / "runs" / "run01"
    lines = []
    for number in range(3):
        for place, shift in (("test/item", 0), ("training/class", 5)):
            (run / place).parent.mkdir(parents=True, exist_ok=True)
            source = desk / "things" / f"thing{number}" / f"{shift}.png"
            shutil.copyfile(source, run / f"{place}{number}.png")
        lines.append(f"run01/test/item{number}.png run01/training/class{number}.png\n")
    (run / "class_labels.txt").write_text("".join(lines))
    data = run_here("evaluate", "--runs", "runs", "--device", "cpu", "--json").json()
    assert data["runs"] == {"runs": 1, "trials": 3, "error_rate": 0}


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("things/thing1", "no labelled picture"),
        ("nowhere", "folder 'nowhere' does not exist"),
        ("things --encoder magic", "unknown encoder 'magic'"),
        ("--pairs nowhere.csv", "'nowhere.csv' can't be read"),
        ("--runs things", "no run in 'things'"),
        ("things --pairs things/thing0/0.png", "0.png'"),
    ],
)
def test_bad_input(run_here: Run, desk: Path, arguments: str, mentions: str) -> None:
    assert_one_error(run_here("evaluate", *arguments.split()), mentions)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("", "give a FOLDER, --pairs or --runs"),
        ("things --ways 1", "'--ways'"),
        ("things --shots 0", "'--shots'"),
        ("things --episodes 0", "'--episodes'"),
        ("things --device bogus", "'bogus'"),
    ],
)
def test_wrong_usage(run_here: Run, desk: Path, arguments: str, mentions: str) -> None:
    assert_wrong_usage(run_here("evaluate", *arguments.split()), mentions)
