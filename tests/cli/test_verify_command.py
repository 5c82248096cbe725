"""simsearch verify, as a user runs it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simsearch import verify
from simsearch.config import DEFAULT_BACKBONE, DEFAULT_ENCODER
from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.collection.test_other_encoder import save_checkpoint
from tests.conftest import CliResult, picture

Run = Callable[..., CliResult]
KEYS = {
    "a",
    "b",
    "similarity",
    "distance",
    "probability",
    "log_likelihood_ratio",
    "different_pairs",
    "prior",
    "far",
    "threshold",
    "same",
    "calibrated",
    "encoder",
}
# At a FAR of 0.1 all pairs are the same, at 0.01 only equal pictures.
CALIBRATION = {
    "format_version": 1,
    "slope": 2.0,
    "intercept": -1.0,
    "thresholds": {"0.1": -1.0, "0.01": 1.0},
    "same_pairs": 5,
    "different_pairs": 500,
    "classes": 3,
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint folder without a calibration."""
    return save_checkpoint(tmp_path_factory.mktemp("encoder"), seed=1)


@pytest.fixture
def desk(tmp_path: Path, encoder: Path) -> Path:
    """Return a folder with two pictures, a copy, a broken one and encoders with a calibration."""
    picture(0).save(tmp_path / "a.png")
    picture(1).save(tmp_path / "b.png")
    (tmp_path / "copy.jpg").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    for name, calibration in (
        ("calibrated", CALIBRATION),
        ("bare", None),
        ("damaged", []),
        ("coarse", {**CALIBRATION, "thresholds": {}}),
    ):
        shutil.copytree(encoder, tmp_path / name)
        if calibration is not None:
            text = json.dumps(calibration)
            (tmp_path / name / "calibration.json").write_text(text)
    return tmp_path


def ask(run: Run, *args: object) -> Any:
    """Return the JSON of a run with the calibrated encoder."""
    result = run("verify", *args, "--encoder", "calibrated", "--device", "cpu", "--json")
    assert set(result.json()) == KEYS
    assert result.err == ""
    assert result.code == (0 if result.json()["same"] else 3)
    return result.json()


def test_exit_code_says_the_same_or_not(run_cli: Run, desk: Path) -> None:
    different = ask(run_cli, "a.png", "b.png")
    assert (different["same"], different["calibrated"]) == (False, True)
    assert (different["a"], different["b"]) == ("a.png", "b.png")
    assert (different["prior"], different["far"], different["threshold"]) == (0.5, 0.01, 1.0)
    assert different["encoder"] == str(desk / "calibrated")
    assert different["similarity"] < 1
    half_square = different["distance"] ** 2 / 2
    assert different["similarity"] == pytest.approx(1 - half_square, abs=1e-9)
    same = ask(run_cli, "a.png", "copy.jpg")
    assert (same["same"], same["similarity"], same["distance"]) == (True, 1, 0)


def test_far_and_prior_reach_the_decision(run_cli: Run, desk: Path) -> None:
    found = ask(run_cli, "a.png", "b.png", "--far", 0.1, "--prior", 0.2)
    assert (found["same"], found["far"], found["prior"], found["threshold"]) == (
        True, 0.1, 0.2, -1.0,
    )  # fmt: skip
    ratio = found["log_likelihood_ratio"]
    assert ratio == pytest.approx(2 * found["similarity"] - 1)
    odds = 2.718281828459045**ratio * 0.2 / 0.8
    assert found["probability"] == pytest.approx(odds / (1 + odds))


def test_text_is_for_people(run_cli: Run, desk: Path) -> None:
    result = run_cli("verify", "a.png", "b.png", "--encoder", "calibrated")
    lines = dict(line.split("  ", 1) for line in result.out.splitlines())
    assert result.code == 3
    assert set(lines) == {
        "similarity", "distance", "probability", "log-likelihood ratio", "verdict",
    }  # fmt: skip
    assert lines["verdict"].strip() == "different (threshold 1.0000, FAR 0.01 of 500 pairs)"
    same = run_cli("verify", "a.png", "a.png", "--encoder", "calibrated")
    assert "verdict               same (threshold" in same.out
    assert same.code == 0


@pytest.mark.parametrize("name", [DEFAULT_BACKBONE, "bare"])
def test_encoder_without_calibration(run_cli: Run, desk: Path, name: str) -> None:
    result = run_cli("verify", "a.png", "b.png", "--encoder", name, "--json")
    data = result.json()
    assert result.code == 0
    assert set(data) == KEYS
    assert -1 <= data["similarity"] < 1
    assert (data["same"], data["calibrated"], data["threshold"]) == (None, False, None)
    assert (data["probability"], data["log_likelihood_ratio"]) == (None, None)
    assert result.err.startswith("note: '")
    assert result.err.endswith("' has no calibration: similarity only; simsearch train makes one\n")
    text = run_cli("verify", "a.png", "copy.jpg", "--encoder", name)
    assert [line.split() for line in text.out.splitlines()] == [
        ["similarity", "1.0000"],
        ["distance", "0.0000"],
    ]


def test_calibration_on_too_few_pairs_gives_no_verdict(run_cli: Run, desk: Path) -> None:
    result = run_cli("verify", "a.png", "b.png", "--encoder", "coarse")
    labels = [line.split("  ", 1)[0] for line in result.out.splitlines()]
    assert labels == ["similarity", "distance", "probability", "log-likelihood ratio"]
    assert "was calibrated on 500 different pairs, too few for a verdict" in result.err
    assert result.code == 0


def test_the_default_encoder_says_what_it_was_calibrated_on(run_cli: Run, desk: Path) -> None:
    result = run_cli("verify", "a.png", "copy.jpg", "--json")
    assert result.json()["same"] is True
    assert result.err.startswith(f"note: '{DEFAULT_ENCODER}' was calibrated on photographs of prod")


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("cut.png nowhere.png", "can't read 'cut.png'"),
        ("nowhere.png cut.png", "can't read 'nowhere.png' (unreadable)"),
        ("a.png cut.png", "can't read 'cut.png'"),
        (". a.png", "can't read '.' (unreadable)"),
        ("a.png b.png --encoder magic", "unknown encoder 'magic'"),
        ("a.png b.png --encoder calibrated --far 0.001", "FAR of 0.001; take one of 0.1, 0.01"),
        ("nowhere.png b.png --encoder calibrated --far 0.2", "FAR of 0.2; take one of 0.1, 0.01"),
        ("a.png b.png --encoder coarse --far 0.1", "too few pairs; train on more"),
        ("a.png b.png --encoder damaged", "calibration.json' can't be read"),
    ],
)
def test_error_is_one_line(run_here: Run, desk: Path, arguments: str, mentions: str) -> None:
    assert_one_error(run_here("verify", *arguments.split()), mentions)


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("a.png", "B"),
        ("a.png b.png --prior 0", "0 is not over 0 and under 1"),
        ("a.png b.png --prior 1", "--prior"),
        ("a.png b.png --prior nan", "--prior"),
        ("a.png b.png --far 0", "--far"),
        ("a.png b.png --far 1", "--far"),
        ("a.png b.png --far much", "--far"),
        ("a.png b.png --device bogus", "'bogus'"),
    ],
)
def test_wrong_usage(run_here: Run, desk: Path, arguments: str, mentions: str) -> None:
    assert_wrong_usage(run_here("verify", *arguments.split()), mentions)


def test_python_gives_the_same_record(run_here: Run, desk: Path) -> None:
    found = verify(desk / "a.png", desk / "b.png", str(desk / "calibrated"), far=0.1)
    command = ["verify", desk / "a.png", desk / "b.png", "--encoder", "calibrated", "--far", 0.1]
    data = run_here(*command, "--json").json()
    assert {key: getattr(found, key) for key in KEYS} == data
