"""simsearch train, as a user meets it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from simsearch.encoder.calibration import read_calibration
from simsearch.training.curriculum import mining_names
from simsearch.training.losses import loss_names
from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.conftest import CliResult, save_pictures
from tests.encoder.conftest import save, small_network
from tests.training.conftest import glyph, write_glyphs

Run = Callable[..., CliResult]
TINY = {
    "--backbone": "timm/test_resnet",
    "--weights": "none",
    "--size": 32,
    "--dim": 16,
    "--augment": "glyph",
    "--epochs": 2,
    "--classes-per-batch": 4,
    "--device": "cpu",
}
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # on a busy machine, threads of a tiny network only wait


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 12 characters by four hands, not to be changed."""
    return write_glyphs(tmp_path_factory.mktemp("glyphs") / "things", 12, 4)


@pytest.fixture
def desk(things: Path, tmp_path: Path) -> Path:
    """Return a folder with `things` in it, where commands run."""
    (tmp_path / "things").symlink_to(things)
    return tmp_path


def train(run: Run, *arguments: object, source: str = "things", out: str = "out") -> CliResult:
    return run("train", source, "--out", out, *options(), *arguments, env=ONE_THREAD)


def options() -> list[object]:
    return [part for option in TINY.items() for part in option]


def test_a_whole_training_and_what_comes_of_it(run_cli: Run, desk: Path) -> None:
    result = train(run_cli, "--json")
    assert result.code == 0, result.err
    data = result.json()
    assert set(data) == {
        "out", "split", "epochs", "best_epoch", "untrained", "trained", "seconds", "report",
    }  # fmt: skip
    assert (data["out"], data["epochs"]) == ("out", 2)
    assert data["split"] == {
        "train": {"classes": 8, "pictures": 32},
        "validation": {"classes": 2, "pictures": 8},
        "calibration": {"classes": 2, "pictures": 8},
    }
    for figures in (data["untrained"], data["trained"]):
        assert set(figures) == {"recall_at_1", "map_at_r"}
        assert all(0 <= value <= 1 for value in figures.values())
    assert data["trained"]["map_at_r"] >= data["untrained"]["map_at_r"]

    out = desk / "out"
    assert {path.name for path in out.iterdir()} >= {
        "config.json", "model.safetensors", "calibration.json", "ranges.json", "metrics.jsonl",
        "report.html",
    }  # fmt: skip
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[data["best_epoch"]]["map_at_r"] == data["trained"]["map_at_r"]
    assert data["report"] == "out/report.html"
    assert "</html>" in (out / "report.html").read_text(encoding="utf-8")
    assert read_calibration(out) is not None

    lines = result.err.splitlines()
    assert lines[0].startswith("split by class: train 32 pictures of 8 classes, validation 8")
    header = ["epoch", "loss", "active", "d(a,p)", "d(a,n)", "recall@1", "MAP@R", "/s", "left"]
    assert lines[1].split() == [*header, "stage"]
    assert [line.split()[0] for line in lines[2:]] == ["0/2", "1/2", "2/2"]
    untrained = [f"{rows[0][name]:.3f}" for name in ("recall_at_1", "map_at_r")]
    assert lines[2].split()[1:] == [*untrained, "untrained"]
    shown = lines[4].split()
    assert (shown[1], shown[6]) == (f"{rows[2]['loss']:.4f}", f"{rows[2]['map_at_r']:.3f}")
    assert shown[-2:] == ["0m", rows[2]["stage"]]
    assert lines[1].index("MAP@R") == lines[4].rindex(shown[6]), "in columns"
    assert max(map(len, lines[1:])) <= 80

    indexed = run_cli("index", desk / "things", "--encoder", "out", "--device", "cpu", "--json")
    assert indexed.code == 0, indexed.err
    assert indexed.json()["new"] == 48
    query = run_cli("query", "things/glyph00/0.png", "--json")
    assert query.code == 0, query.err
    measured = run_cli("evaluate", "things", "--encoder", "out", "--device", "cpu", "--json")
    assert measured.json()["calibrated"]


def test_help_names_every_loss_and_mining(run_cli: Run) -> None:
    words = set(run_cli("train", "--help").out.replace(",", " ").replace(".", " ").split())
    assert {*loss_names(), *mining_names()} <= words


def test_summary_and_quiet(run_here: Run, desk: Path) -> None:
    result = train(run_here, "--epochs", 1)
    assert result.code == 0, result.err
    assert "encoder 'out': MAP@R 0." in result.out or "encoder 'out': MAP@R 1." in result.out
    assert "next: simsearch index ./pictures --encoder out" in result.out
    quiet = train(run_here, "--epochs", 1, "--quiet", out="quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="signals are others")
def test_ctrl_c_and_resume_finish_what_a_straight_run_does(run_here: Run, desk: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "simsearch",
            "train",
            "things",
            "--out",
            "out",
            *map(str, options()),
        ],
        cwd=desk,
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        while not child.stderr.readline().endswith("untrained\n"):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        printed, errors = child.communicate(timeout=120)
    assert child.returncode == 130
    assert printed == ""
    assert "Traceback" not in errors
    assert "stopped: go on with the same command and --resume ('out')" in errors

    assert_one_error(train(run_here), "holds an unfinished training run: go on with --resume")
    resumed = train(run_here, "--resume", "--json")
    assert resumed.code == 0, resumed.err
    straight = train(run_here, "--json", out="straight")
    for name in ("split", "epochs", "best_epoch", "untrained", "trained"):
        assert resumed.json()[name] == straight.json()[name]
    for name in ("model.safetensors", "config.json", "calibration.json", "ranges.json"):
        assert (desk / "out" / name).read_bytes() == (desk / "straight" / name).read_bytes()
    assert_one_error(train(run_here, "--resume"), "nothing to resume in 'out'")


def test_counted_warnings(run_here: Run, desk: Path) -> None:
    """Missing, unreadable, single, mislabelled: said, and then trained without."""
    lines = [
        f"things/glyph{number:02d}/{hand}.png,{number}\n"
        for number in range(12)
        for hand in range(4)
    ]
    (desk / "cut.png").write_bytes(b"")
    glyph(30, 0).save(desk / "single.png")
    shutil.copyfile(desk / "things" / "glyph00" / "0.png", desk / "copy.png")
    lines += ["gone.png,1\n", "cut.png,2\n", "single.png,alone\n", "copy.png,7\n"]
    (desk / "labels.csv").write_text("path,label\n" + "".join(lines))
    result = train(run_here, "--epochs", 1, "--classes-per-batch", 64, source="labels.csv")
    assert result.code == 0, result.err
    notes = [line for line in result.err.splitlines() if line.startswith("note: ")]
    beginnings = [
        "note: 1 of 52 files of 'labels.csv' are missing; the first: 'gone.png'",
        "note: 1 of 51 pictures left out: they can't be read; the first: ",
        "note: 1 classes have one picture: they are trained on as negatives only",
        "note: 1 pairs of near-identical pictures have different labels",
        "note: 9 classes to train on: a batch has all of them, not more",
    ]
    assert len(notes) == len(beginnings)
    for note, beginning in zip(notes, beginnings, strict=True):
        assert note.startswith(beginning)


@pytest.fixture
def mess(desk: Path) -> Path:
    """Return the desk with everything on it that can't be trained on."""
    (desk / "empty").mkdir()
    save_pictures(desk / "one" / "class", 9)
    for number in range(9):
        save_pictures(desk / "singles" / str(number), 1, first_seed=number)
        for name in "ab":
            path = desk / "broken" / str(number) / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"no picture")
    save_pictures(desk / "loose", 2)
    (desk / "gone.csv").write_text("path,label\ngone.png,1\noff.png,2\n")
    (desk / "columns.csv").write_text("file,class\nthings/glyph00/0.png,1\n")
    (desk / "twice.csv").write_text("path,label\nthings/glyph00/0.png,1\nthings/glyph00/0.png,2\n")
    damaged = save(desk / "damaged", small_network())
    (damaged / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0 no more of it")
    newer = save(desk / "newer", small_network())
    (newer / "config.json").write_text('{"format_version": 99}')
    save(desk / "used", small_network())
    (desk / "file").touch()
    return desk


@pytest.mark.parametrize(
    ("source", "arguments", "mentions"),
    [
        ("nowhere", "", "folder 'nowhere' does not exist"),
        ("empty", "", "no labelled picture in"),
        ("loose", "", "2 lie in it directly"),
        ("one", "", "1 of 1 classes have two pictures or more"),
        ("singles", "", "0 of 9 classes have two pictures or more"),
        ("broken", "", "none of the pictures can be read"),
        ("gone.csv", "", "2 of 2 files of 'gone.csv' are missing"),
        ("columns.csv", "", "it needs the columns path and label"),
        ("twice.csv", "", "is labelled '1' and '2'"),
        ("file", "", "'file' is no folder"),
        ("things", "--val nowhere", "folder 'nowhere' does not exist"),
        ("things", "--val things", "48 pictures are there for both train and validation"),
        ("things", "--val one", "the validation pictures have fewer than 2 classes"),
        ("things", "--weights damaged", "model.safetensors in 'damaged' can't be read"),
        ("things", "--weights newer", "config.json in 'newer' is of format 99, not 1"),
        ("things", "--weights used", "leave out --backbone", ),
        ("things", "--weights nowhere", "no weights 'nowhere'"),
        ("things", "--backbone magic", "unknown encoder 'magic'"),
        ("things", "--backbone timm/magic", "timm has no network 'magic'"),
        ("things", "--loss magic", "unknown loss 'magic'; use one of angular, arcface"),
        ("things", "--mining magic", "unknown mining 'magic'; use one of auto, global"),
        ("things", "--augment magic", "unknown augmentation 'magic'; use one of photo"),
        ("things", "--loss arcface --memory 64", "use --memory 0"),
        ("things", "--out used", "'used' already holds an encoder"),
        ("things", "--out file", "can't write to 'file'"),
        ("things", "--out file/below", "can't write to 'file/below'"),
        ("things", "--resume", "nothing to resume in 'out'"),
    ],
)  # fmt: skip
def test_bad_input(run_here: Run, mess: Path, source: str, arguments: str, mentions: str) -> None:
    given = arguments.split()
    if "--weights" in given and "used" not in given:
        given += ["--backbone", "timm/test_resnet"]
    elif "--weights" in given:
        given += ["--backbone", "koch"]
    assert_one_error(train(run_here, *given, source=source), mentions)
    assert not (mess / "out").exists(), "no time was spent"


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        ("--epochs -1", "'--epochs'"),
        ("--classes-per-batch 1", "'--classes-per-batch'"),
        ("--pictures-per-class 1", "'--pictures-per-class'"),
        ("--ema 1", "'--ema'"),
        ("--dim 0", "'--dim'"),
        ("--precision f8", "f8"),
        ("--pooling magic", "magic"),
        ("--fit magic", "magic"),
        ("--learning-rate 0", "must be above 0"),
        ("--device magic", "'magic'"),
    ],
)
def test_wrong_usage(run_here: Run, desk: Path, arguments: str, mentions: str) -> None:
    assert_wrong_usage(train(run_here, *arguments.split()), mentions)
    assert not (desk / "out").exists()


def test_out_is_asked_for(run_here: Run, desk: Path) -> None:
    assert_wrong_usage(run_here("train", "things"), "--out")
