"""What apply does to files, and what it leaves alone."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

import pytest

from simsearch.actions.apply import ApplyReport, apply
from simsearch.actions.undo import undo
from simsearch.actions.ways.move import below, common_folder
from simsearch.errors import InputError, StorageError
from tests.actions.trees import OLD, plan_of, put, row, seen

WAYS = ["move", "trash", "hardlink", "delete"]
Rows = list[tuple[int, str, Path]]


def run(tmp_path: Path, rows: Rows, way: str = "move", **options: Any) -> ApplyReport:
    """Plan and apply; files are moved into 'dropped'."""
    plan = plan_of(tmp_path / "plan", [row(*entry) for entry in rows])
    return apply(plan, way, tmp_path / "dropped", **{"dry_run": False, **options})


def reasons(report: ApplyReport) -> list[str]:
    """Return why files were skipped."""
    return [left.reason for left in report.skipped]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Return a file and its copy."""
    return put(tmp_path / "p" / "a" / "x.jpg", mode=0o640), put(tmp_path / "p" / "b" / "x.jpg")


def test_moved_files_keep_their_folders_times_and_modes(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    keep, drop = pair
    drop.chmod(0o604)
    report = run(tmp_path, [(1, "keep", keep), (1, "drop", drop)])
    moved = tmp_path / "dropped" / "b" / "x.jpg"
    assert [(d.path, d.target, d.bytes) for d in report.done] == [(str(drop), str(moved), 3)]
    assert (moved.stat().st_mtime_ns, moved.stat().st_mode & 0o777) == (OLD, 0o604)
    assert not drop.exists()
    assert keep.exists()


def test_so_they_do_on_another_file_system(
    tmp_path: Path, elsewhere: Path, pair: tuple[Path, Path]
) -> None:
    keep, drop = pair
    drop.chmod(0o604)
    plan = plan_of(tmp_path, [row(1, "keep", keep), row(1, "drop", drop)])
    apply(plan, "move", elsewhere / "d", dry_run=False)
    assert seen(elsewhere)["d/b/x.jpg"] == (b"one", OLD, 0o604)
    assert not drop.exists()


def test_names_that_are_taken_are_numbered(tmp_path: Path) -> None:
    keep = put(tmp_path / "p" / "keep.jpg")
    taken = [put(tmp_path / "dropped" / name, b"mine") for name in ("a.jpg", "a (2).jpg")]
    drop = put(tmp_path / "p" / "a.jpg")
    run(tmp_path, [(1, "keep", keep), (1, "drop", drop)])
    assert (tmp_path / "dropped" / "a (3).jpg").read_bytes() == b"one"
    assert [path.read_bytes() for path in taken] == [b"mine", b"mine"]


def test_a_name_taken_in_a_race_is_left(
    tmp_path: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, drop = pair
    link = os.link

    def slow_link(source: Path, target: Path) -> None:
        if target.name == "x.jpg":
            put(target, b"one")  # the very same bytes, from somebody else
        link(source, target)

    monkeypatch.setattr(os, "link", slow_link)
    report = run(tmp_path, [(1, "keep", keep), (1, "drop", drop)])
    monkeypatch.undo()
    assert "another program just made" in reasons(report)[0]
    assert drop.read_bytes() == b"one"
    assert report.log is not None
    assert undo(report.log).restored == []
    assert (tmp_path / "dropped" / "b" / "x.jpg").exists()


def test_moving_a_file_to_where_it_is(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    plan = plan_of(tmp_path, [row(1, "keep", pair[0]), row(1, "drop", pair[1])])
    report = apply(plan, "move", tmp_path / "p", dry_run=False)
    assert reasons(report) == ["is already where it would be moved"]
    assert pair[1].exists()


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["C:\\a\\x.jpg", "C:\\a\\b\\y.jpg"], ["x.jpg", "b\\y.jpg"]),
        (["C:\\a\\x.jpg", "D:\\a\\y.jpg"], ["C\\a\\x.jpg", "D\\a\\y.jpg"]),
    ],
)
def test_drives_are_folders(paths: list[str], expected: list[str]) -> None:
    pure: list[PurePath] = [PureWindowsPath(path) for path in paths]
    assert [str(below(common_folder(pure), path)) for path in pure] == expected


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_reached_through_a_link_never_costs_the_only_file(
    tmp_path: Path, way: str
) -> None:
    keep = put(tmp_path / "p" / "a" / "x.jpg")
    (tmp_path / "p" / "b").symlink_to(keep.parent)
    drop = tmp_path / "p" / "b" / "x.jpg"
    other = put(tmp_path / "p" / "c" / "x.jpg")
    rows = [(1, "keep", keep), (1, "drop", drop), (1, "drop", other)]
    report = run(tmp_path, rows, way)
    assert report.done == []
    assert all("would lose its last copy" in reason for reason in reasons(report))
    assert str(drop) in reasons(report)[0]
    assert keep.exists()
    assert other.exists()


@pytest.mark.parametrize("action", ["keep", "not-duplicate"])
def test_a_file_of_another_group_that_stays_is_not_dropped_in_disguise(
    tmp_path: Path, action: str
) -> None:
    stays = put(tmp_path / "p" / "a" / "x.jpg")
    os.link(stays, tmp_path / "p" / "second name.jpg")
    (tmp_path / "p" / "b").symlink_to(stays.parent)
    drop = tmp_path / "p" / "b" / "x.jpg"
    keep = put(tmp_path / "p" / "keep.jpg")
    report = run(tmp_path, [(1, action, stays), (2, "keep", keep), (2, "drop", drop)], "delete")
    assert reasons(report) == [f"is the same file as '{stays}', which stays"]
    assert stays.exists()


def test_one_of_two_hard_links_may_go(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    keep, drop = pair
    drop.unlink()
    os.link(keep, drop)
    report = run(tmp_path, [(1, "keep", keep), (1, "drop", drop)], "delete")
    assert report.skipped == []
    assert keep.read_bytes() == b"one"


def test_a_group_without_a_kept_file_is_left(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    report = run(tmp_path, [(1, "not-duplicate", pair[0]), (1, "drop", pair[1])])
    assert "the plan keeps none of its files" in reasons(report)[0]
    assert pair[1].exists()
    assert report.log is None


def make_pipe(path: Path) -> None:
    """Replace a file by a pipe, which must not be waited for."""
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("befall", "reason"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: put(path, b"new"), "has changed"),
        (lambda path: (path.unlink(), path.mkdir()), "is no regular file"),
        (lambda path: (path.unlink(), path.symlink_to("other")), "is a symbolic link now"),
        (make_pipe, "is no regular file"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("victim", [0, 1])
def test_what_is_not_as_planned_is_left(
    tmp_path: Path,
    pair: tuple[Path, Path],
    way: str,
    victim: int,
    befall: Callable[[Path], object],
    reason: str,
) -> None:
    plan = plan_of(tmp_path, [row(1, "keep", pair[0]), row(1, "drop", pair[1])])
    befall(pair[victim])
    before = set(seen(tmp_path / "p"))
    report = apply(plan, way, tmp_path / "dropped", dry_run=False)
    assert (report.done, report.log) == ([], None)
    assert reason in reasons(report)[0]
    assert set(seen(tmp_path / "p")) == before


def test_a_kept_file_that_changes_on_the_way_saves_the_rest(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    keep, first = pair
    second = put(tmp_path / "p" / "c" / "x.jpg")

    def edit_after_the_first(done: int, total: int) -> None:
        if done == 1:
            put(keep, b"edited")

    report = run(
        tmp_path,
        [(1, "keep", keep), (1, "drop", first), (1, "drop", second)],
        "delete",
        progress=edit_after_the_first,
    )
    assert [d.path for d in report.done] == [str(first)]
    assert f"'{keep}' has changed" in reasons(report)[0]
    assert second.exists()


def test_a_file_that_changes_at_the_last_moment_is_left(
    tmp_path: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, drop = pair
    plan = plan_of(tmp_path, [row(1, "keep", keep), row(1, "drop", drop)])
    monkeypatch.setattr(os, "fsync", lambda _: put(drop, b"edited"))
    report = apply(plan, "delete", dry_run=False)
    monkeypatch.undo()
    assert reasons(report) == ["is being changed by another program"]
    assert drop.read_bytes() == b"edited"
    assert report.log is not None
    assert undo(report.log).failed == []


def test_hard_links_share_the_kept_file(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    keep, drop = pair
    other = put(tmp_path / "p" / "other.jpg", b"other")
    rows = [(1, "keep", keep), (1, "drop", drop), (1, "drop", other)]
    report = run(tmp_path, rows, "hardlink")
    assert drop.samefile(keep)
    assert reasons(report) == [f"has other bytes than the kept file '{keep}'"]
    assert "already" in reasons(run(tmp_path, rows, "hardlink"))[0]


def test_no_hard_links_across_file_systems(tmp_path: Path, elsewhere: Path) -> None:
    keep, drop = put(tmp_path / "x.jpg"), put(elsewhere / "x.jpg")
    report = run(tmp_path, [(1, "keep", keep), (1, "drop", drop)], "hardlink")
    assert "on another file system" in reasons(report)[0]
    assert list(elsewhere.iterdir()) == [drop]


def test_deleted_files_that_equal_no_kept_one_are_told(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    other = put(tmp_path / "p" / "other.jpg", b"other")
    rows = [(1, "keep", pair[0]), (1, "drop", pair[1]), (1, "drop", other)]
    report = run(tmp_path, rows, "delete")
    assert [d.restorable for d in report.done] == [True, False]


def test_a_second_apply_does_no_harm(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    plan = plan_of(tmp_path / "plan", [row(1, "keep", pair[0]), row(1, "drop", pair[1])])
    apply(plan, "move", tmp_path / "dropped", dry_run=False)
    before = seen(tmp_path)
    report = apply(plan, "delete", dry_run=False)
    assert reasons(report) == ["is missing"]
    assert seen(tmp_path) == before


def test_logs_have_names_of_their_own(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    rows = [(1, "keep", pair[0]), (1, "drop", pair[1])]
    for name in ("plan.apply.jsonl", "plan.apply-2.jsonl", "plan.apply-3.jsonl"):
        report = run(tmp_path, rows)
        assert report.log == tmp_path / "plan" / name
        header, act, done = map(json.loads, report.log.read_text().splitlines())
        assert (header["way"], act["source"], done) == ("move", str(pair[1]), {"done": 1})
        undo(report.log)
    before = seen(tmp_path)
    with pytest.raises(InputError, match=r"plan.apply.jsonl' exists; choose another --log"):
        run(tmp_path, rows, log=tmp_path / "plan" / "plan.apply.jsonl")
    assert seen(tmp_path).keys() == before.keys()


def test_without_a_log_nothing_is_done(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    with pytest.raises(StorageError, match=r"nothing was done; choose another place with --log"):
        run(tmp_path, [(1, "keep", pair[0]), (1, "drop", pair[1])], log=tmp_path / "no" / "log")
    assert pair[1].exists()


def test_a_full_disk_loses_nothing(
    tmp_path: Path, elsewhere: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    plan = plan_of(tmp_path, [row(1, "keep", pair[0]), row(1, "drop", pair[1])])
    monkeypatch.setattr("simsearch.actions.moving.shutil.copyfileobj", full)
    report = apply(plan, "move", elsewhere, dry_run=False)
    assert reasons(report) == ["could not be moved: No space left on device"]
    assert pair[1].exists()
    assert not any(path.is_file() for path in elsewhere.rglob("*"))


def test_a_target_that_is_no_folder(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    put(tmp_path / "dropped")
    with pytest.raises(InputError, match=r"dropped' is no folder; choose another .* --to"):
        run(tmp_path, [(1, "keep", pair[0]), (1, "drop", pair[1])])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
@pytest.mark.parametrize("way", WAYS)
def test_what_the_system_refuses_is_left(tmp_path: Path, pair: tuple[Path, Path], way: str) -> None:
    keep, drop = pair
    other = put(tmp_path / "p" / "c" / "x.jpg")
    drop.parent.chmod(0o555)
    report = run(tmp_path, [(1, "keep", keep), (1, "drop", drop), (1, "drop", other)], way)
    drop.parent.chmod(0o755)
    assert "Permission denied" in reasons(report)[0]
    assert [d.path for d in report.done] == [str(other)]
    assert drop.read_bytes() == b"one"
