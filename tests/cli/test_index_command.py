"""simsearch index, as a user runs it."""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from simsearch.config import DEFAULT_ENCODER, EARLIER_DEFAULTS
from simsearch.errors import FailureKind
from tests.conftest import CliResult, save_pictures

Run = Callable[..., CliResult]
KEYS = {
    "name",
    "root",
    "images",
    "new",
    "duplicates_of_content",
    "updated",
    "moved",
    "removed",
    "unchanged",
    "failed",
    "seconds",
    "images_per_second",
    "encoder",
    "dim",
    "index",
    "generation",
}


def test_json_of_a_first_and_a_second_run(run_cli: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "cats", 4)
    (tmp_path / "cats" / "broken.jpg").write_bytes(b"no picture")
    first = run_cli("index", "cats", "--json")
    assert first.code == 0
    report = first.json()
    assert set(report) == KEYS
    assert report["name"] == "cats"
    assert report["root"] == str(tmp_path / "cats")
    assert (report["images"], report["new"], report["failed"]) == (4, 4, 1)
    assert (report["encoder"], report["dim"]) == (DEFAULT_ENCODER, 512)
    assert set(report["index"]) == {"recipe", "bytes", "seconds"}
    assert report["generation"] == 1
    assert "warning: 1 file could not be read" in first.err
    assert "simsearch failures cats" in first.err
    assert (tmp_path / "indexes" / "cats" / "manifest.json").is_file()

    (tmp_path / "cats" / "picture-000.jpg").rename(tmp_path / "cats" / "renamed.jpg")
    (tmp_path / "cats" / "picture-001.jpg").unlink()
    second = run_cli("index", "cats", "--json").json()
    shown = {key: second[key] for key in ("images", "new", "moved", "removed", "unchanged")}
    assert shown == {"images": 3, "new": 0, "moved": 1, "removed": 1, "unchanged": 2}
    assert second["generation"] == 2


def test_summary_and_plain_progress_lines(run_cli: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "cats", 3)
    result = run_cli("index", "cats")
    assert result.code == 0
    assert "'cats' holds 3 pictures" in result.out
    assert "3 new" in result.out
    assert "simsearch query PICTURE --index cats" in result.out
    assert re.fullmatch(r"reading: 3/3 files, \d+ a second, 0 s left\n", result.err)


def test_quiet_prints_nothing(run_here: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "cats", 1)
    result = run_here("index", "cats", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_progress_on_a_terminal_is_a_bar(tmp_path: Path) -> None:
    import pty
    import subprocess
    import sys

    save_pictures(tmp_path / "cats", 3)
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "simsearch", "index", "cats"],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stderr=terminal,
        stdout=subprocess.PIPE,
    ) as child:
        os.close(terminal)
        shown = b""
        try:
            while block := os.read(controller, 4096):
                shown += block
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(controller)
    assert child.returncode == 0
    assert b"\x1b[" in shown
    assert b"3/3" in shown
    assert b"files," not in shown


def test_options_reach_the_run(run_here: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "cats", 3)
    save_pictures(tmp_path / "dogs", 2, first_seed=10)
    (tmp_path / "cats" / ".hidden.jpg").write_bytes(
        (tmp_path / "cats" / "picture-000.jpg").read_bytes()
    )
    command = ["index", "cats", "dogs", "--name", "pets", "--home", "elsewhere", "--json"]
    options = ["--device", "cpu", "--batch-size", "2", "--workers", "1", "--hidden"]
    globs = ["--exclude", "*-001.jpg", "--exclude", "*-010.jpg", "--include", "*.jpg"]
    report = run_here(*command, *options, *globs).json()
    assert report["root"] == [str(tmp_path / "cats"), str(tmp_path / "dogs")]
    assert (report["images"], report["new"], report["duplicates_of_content"]) == (4, 3, 1)
    assert (tmp_path / "elsewhere" / "pets").is_dir()
    assert run_here(*command, *options, *globs, "--rebuild").json()["new"] == 3


def test_home_can_be_set_in_the_environment(run_here: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "cats", 1)
    home = {"SIMSEARCH_HOME": str(tmp_path / "from-environment")}
    assert run_here("index", "cats", "--quiet", env=home).code == 0
    assert [item["name"] for item in run_here("list", "--json", env=home).json()] == ["cats"]
    assert not (tmp_path / "indexes").exists()


def test_same_folder_name_elsewhere_is_not_mixed_in(run_here: Run, tmp_path: Path) -> None:
    for place in ("a", "b"):
        save_pictures(tmp_path / place / "cats", 1)
    assert run_here("index", "a/cats", "--quiet").code == 0
    result = run_here("index", "b/cats")
    assert result.code == 1
    assert "--name" in result.err
    assert run_here("index", "b/cats", "--name", "cats", "--json").json()["images"] == 2


def test_symlink_loop_comes_to_an_end(run_here: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "cats", 2)
    (tmp_path / "cats" / "loop").symlink_to(tmp_path / "cats", target_is_directory=True)
    (tmp_path / "cats" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "cats" / "self.jpg").symlink_to(tmp_path / "cats" / "self.jpg")
    result = run_here("index", "cats", "--json")
    assert result.code == 0
    assert result.json()["images"] == 2


def test_failures_are_listed_with_their_reasons(run_here: Run, tmp_path: Path) -> None:
    (path,) = save_pictures(tmp_path / "cats", 1)
    (tmp_path / "cats" / "cut.jpg").write_bytes(path.read_bytes()[:400])
    (tmp_path / "cats" / "empty.png").write_bytes(b"")
    (tmp_path / "cats" / "text.gif").write_bytes(b"text")
    run_here("index", "cats", "--quiet")
    listed = run_here("failures", "cats", "--json").json()
    assert [set(failure) for failure in listed] == [{"path", "kind", "message"}] * 3
    assert {Path(failure["path"]).name: failure["kind"] for failure in listed} == {
        "cut.jpg": FailureKind.TRUNCATED,
        "empty.png": FailureKind.EMPTY,
        "text.gif": FailureKind.NOT_A_PICTURE,
    }
    table = run_here("failures", "cats").out.splitlines()
    assert len(table) == 4
    assert table[0].split() == ["kind", "path", "reason"]


@pytest.mark.parametrize("earlier", EARLIER_DEFAULTS)
def test_how_a_collection_of_an_earlier_default_moves(
    run_here: Run, tmp_path: Path, earlier: str
) -> None:
    save_pictures(tmp_path / "my cats", 2)
    chosen = run_here("index", "my cats", "--name", "cats", "--encoder", earlier)
    assert "To move" not in chosen.out  # who names it has chosen it
    again = run_here("index", "my cats", "--name", "cats")
    assert f"note: {earlier} keeps working" in again.out
    assert "2 unchanged" in again.out
    told = run_here("info", "cats")
    assert f"note: {earlier} keeps working" in told.out
    program, *arguments = shlex.split(again.out.split("To move:\n")[1].split("\n")[0])
    assert program == "simsearch"
    moved = run_here(*arguments)
    assert "2 new" in moved.out
    assert "To move" not in run_here("index", "my cats", "--name", "cats").out
    assert run_here("info", "cats", "--json").json()["encoder"] == DEFAULT_ENCODER
