"""`simsearch apply` and `simsearch undo`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.trees import plan_of, put, row, seen
from tests.cli.conftest import assert_one_error, assert_wrong_usage
from tests.conftest import CliResult

Run = Callable[..., CliResult]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with plan.csv: a kept file, a copy, a smaller one, and one that is gone."""
    keep = put(tmp_path / "p" / "a" / "one.jpg", b"1" * 2000)
    copy = put(tmp_path / "p" / "b" / "one.jpg", b"1" * 2000)
    small = put(tmp_path / "p" / "b" / "small\n.jpg", b"1" * 500)
    gone = put(tmp_path / "p" / "gone.jpg")
    drops = [row(7, "drop", path) for path in (copy, small, gone)]
    plan_of(tmp_path, [row(7, "keep", keep), *drops])
    gone.unlink()
    return tmp_path


def test_a_dry_run_says_what_would_be_done_and_touches_nothing(run_here: Run, desk: Path) -> None:
    before = seen(desk)
    done = run_here("apply", "plan.csv", "--to", "dropped")
    assert done.code == 0
    assert done.out.splitlines() == [
        "skipped: p/gone.jpg is missing",
        "2 files of 1 group, 2.5 KB, would be moved to 'dropped'",
        "  p/b/one.jpg",
        "  p/b/small\\n.jpg",
        "1 file skipped, see above",
        "nothing was touched; to do it, run it again with --yes",
    ]
    assert seen(desk) == before


def test_apply_and_undo(run_here: Run, desk: Path) -> None:
    before = seen(desk / "p")
    done = run_here("apply", "plan.csv", "--to", "dropped", "--yes")
    assert done.code == 0
    assert done.out.splitlines()[1:] == [
        "2 files of 1 group, 2.5 KB, moved to 'dropped'",
        "1 file skipped, see above",
        "log: plan.apply.jsonl",
        "put back: simsearch undo plan.apply.jsonl",
    ]
    assert (desk / "dropped" / "b" / "one.jpg").exists()
    undone = run_here("undo", "plan.apply.jsonl")
    assert (undone.code, undone.out) == (0, "2 files put back\n")
    assert seen(desk / "p") == before
    again = run_here("undo", "plan.apply.jsonl")
    assert (again.code, again.out) == (0, "nothing to put back: every file is in its place\n")


def test_json_of_both(run_here: Run, desk: Path) -> None:
    done = run_here("apply", "plan.csv", "--delete", "--yes", "--log", "my.log", "--json")
    copy, small = str(desk / "p/b/one.jpg"), str(desk / "p/b/small\n.jpg")
    assert done.json() == {
        "dry_run": False,
        "way": "delete",
        "done": [
            {"path": copy, "target": None, "group": 7, "bytes": 2000, "restorable": True},
            {"path": small, "target": None, "group": 7, "bytes": 500, "restorable": False},
        ],
        "skipped": [{"path": str(desk / "p/gone.jpg"), "reason": "is missing"}],
        "bytes": 2500,
        "log": str(desk / "my.log"),
    }
    undone = run_here("undo", "my.log", "--json")
    assert undone.code == 1
    assert undone.json()["restored"] == [copy]
    assert [left["path"] for left in undone.json()["failed"]] == [small]


def test_what_can_not_be_put_back_is_told_before_and_after(run_here: Run, desk: Path) -> None:
    promised = run_here("apply", "plan.csv", "--delete")
    assert "1 of them could not be put back: no kept file has the same bytes" in promised.out
    done = run_here("apply", "plan.csv", "--delete", "--yes")
    assert "1 of them can't be put back" in done.out
    undone = run_here("undo", "plan.apply.jsonl")
    assert undone.code == 1
    assert "not put back: p/b/small\\n.jpg was deleted, and no kept file had" in undone.out


def test_nothing_could_be_done(run_here: Run, desk: Path) -> None:
    (desk / "p" / "a" / "one.jpg").unlink()
    done = run_here("apply", "plan.csv", "--hardlink", "--yes")
    assert done.code == 1
    assert "its group would lose its last copy: 'p/a/one.jpg' is missing" in done.out
    assert "\nnothing was replaced by hard links\n" in done.out
    assert not list(desk.glob("*.jsonl"))


def test_a_plan_that_drops_nothing(run_here: Run, desk: Path) -> None:
    plan_of(desk, [row(1, "keep", desk / "p/a/one.jpg"), row(1, "keep", desk / "p/b/one.jpg")])
    done = run_here("apply", "plan.csv", "--delete", "--yes")
    assert (done.code, done.out) == (0, "the plan drops nothing\n")


@pytest.mark.parametrize(
    "options", [(), ("--trash", "--delete"), ("--to", "x", "--hardlink"), ("--delete", "--bogus")]
)
def test_wrong_usage(run_here: Run, desk: Path, options: tuple[str, ...]) -> None:
    assert_wrong_usage(run_here("apply", "plan.csv", *options))
    assert_wrong_usage(run_here("apply", "--delete"), "PLAN")
    assert_wrong_usage(run_here("undo"), "LOG")


def test_errors_are_one_line(run_here: Run, desk: Path) -> None:
    put(desk / "text.csv", b"hello")
    assert_one_error(run_here("apply", "no.csv", "--delete"), "'no.csv'", "duplicates --plan")
    assert_one_error(run_here("apply", "text.csv", "--delete"), "line 1", "no column 'group'")
    assert_one_error(run_here("apply", "plan.csv", "--to", "text.csv"), "no folder", "--to")
    assert_one_error(run_here("apply", "plan.csv", "--trash", "--log", "text.csv"), "exists")
    assert_one_error(run_here("undo", "no.log"), "'no.log'", "No such file")
    assert_one_error(run_here("undo", "plan.csv"), "is no log of simsearch apply")


SLOW = """
import os, time
from simsearch.cli.main import main

flush = os.fsync
def slow(file):
    print("flushed", flush=True)
    time.sleep(0.05)
    flush(file)

os.fsync = slow
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are others")
def test_ctrl_c_stops_after_the_file_in_hand(run_here: Run, tmp_path: Path) -> None:
    keep = put(tmp_path / "p" / "keep.jpg")
    drops = [put(tmp_path / "p" / f"{number}.jpg") for number in range(200)]
    plan_of(tmp_path, [row(1, "keep", keep), *(row(1, "drop", path) for path in drops)])
    before = seen(tmp_path / "p")
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, "apply", "plan.csv", "--to", "dropped", "--yes"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "flushed\n"
        child.send_signal(signal.SIGINT)
        out, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "put back: simsearch undo plan.apply.jsonl" in out
    assert "stopped: " in errors
    dropped = list((tmp_path / "dropped").iterdir())
    assert 0 < len(dropped) < 200
    log = (tmp_path / "plan.apply.jsonl").read_text().splitlines()
    acts = [json.loads(line) for line in log]
    assert sum("done" in act for act in acts) == len(dropped)
    assert run_here("undo", "plan.apply.jsonl").code == 0
    assert seen(tmp_path / "p") == before
