"""The trash, as freedesktop.org specifies it."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from simsearch.actions.apply import ApplyReport, apply
from simsearch.actions.undo import undo
from simsearch.actions.ways import trash
from simsearch.errors import InputError
from tests.actions.trees import plan_of, put, row

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have other trashes")


def throw(tmp_path: Path, *drops: Path) -> ApplyReport:
    """Move files to the trash."""
    keep = put(tmp_path / "keep.jpg")
    plan = plan_of(tmp_path, [row(1, "keep", keep), *(row(1, "drop", path) for path in drops)])
    return apply(plan, "trash", dry_run=False)


def test_home_trash_has_the_file_and_its_note(tmp_path: Path) -> None:
    drop = put(tmp_path / "p" / "new\nline é%.jpg")
    again = put(tmp_path / "q" / "new\nline é%.jpg")
    throw(tmp_path, drop, again)
    home = tmp_path / "data" / "Trash"
    assert {path.name for path in (home / "files").iterdir()} == {
        "new\nline é%.jpg",
        "new\nline é% (2).jpg",
    }
    note = (home / "info" / "new\nline é%.jpg.trashinfo").read_text(encoding="ascii").splitlines()
    assert note[0] == "[Trash Info]"
    assert unquote(note[1].removeprefix("Path=")) == str(drop)
    deleted = datetime.fromisoformat(note[2].removeprefix("DeletionDate="))
    assert abs(datetime.now() - deleted) < timedelta(hours=1)
    assert (home / "files").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("admin_made", [False, True])
def test_another_file_system_has_its_own(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, admin_made: bool
) -> None:
    monkeypatch.setattr(trash, "_top_of", lambda _: elsewhere)
    monkeypatch.setattr("os.getuid", lambda: 7)
    expected = elsewhere / ".Trash-7"
    if admin_made:
        (elsewhere / ".Trash").mkdir()
        (elsewhere / ".Trash").chmod(0o1777)
        expected = elsewhere / ".Trash" / "7"
    drop = put(elsewhere / "p" / "x y.jpg")
    report = throw(tmp_path, drop)
    assert [d.target for d in report.done] == [str(expected / "files" / "x y.jpg")]
    note = (expected / "info" / "x y.jpg.trashinfo").read_text()
    assert "\nPath=p/x%20y.jpg\n" in note
    assert report.log is not None
    assert undo(report.log).restored == [str(drop)]
    assert not expected.exists()


def test_a_shared_trash_that_anybody_could_plant_is_not_used(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "_top_of", lambda _: elsewhere)
    (elsewhere / "mine").mkdir()
    (elsewhere / ".Trash").symlink_to("mine")
    throw(tmp_path, put(elsewhere / "x.jpg"))
    assert list((elsewhere / "mine").iterdir()) == []


def test_undo_takes_the_note_away_and_says_when_the_trash_was_emptied(tmp_path: Path) -> None:
    drops = [put(tmp_path / "p" / name) for name in ("a.jpg", "b.jpg")]
    report = throw(tmp_path, *drops)
    (tmp_path / "data" / "Trash" / "files" / "a.jpg").unlink()
    assert report.log is not None
    undone = undo(report.log)
    assert undone.restored == [str(drops[1])]
    assert "is missing, and so is" in undone.failed[0].reason
    assert not (tmp_path / "data" / "Trash" / "info" / "b.jpg.trashinfo").exists()


def test_systems_without_an_open_trash_name_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    drop = put(tmp_path / "x.jpg")
    with pytest.raises(InputError, match="use --to FOLDER"):
        throw(tmp_path, drop)


def test_the_mac_has_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    drop = put(tmp_path / "x.jpg")
    report = throw(tmp_path, drop)
    assert [d.target for d in report.done] == [str(tmp_path / "home" / ".Trash" / "x.jpg")]
    assert report.log is not None
    assert undo(report.log).restored == [str(drop)]
