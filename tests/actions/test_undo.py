"""What undo puts back, and what it leaves alone."""

import json
import shutil
from pathlib import Path

import pytest

from simsearch.actions.apply import apply
from simsearch.actions.undo import UndoReport, undo
from simsearch.errors import InputError
from tests.actions.trees import OLD, plan_of, put, row, seen

WAYS = ["move", "trash", "hardlink", "delete"]


class Case:
    """A kept file and two dropped copies of it, and the log of what was done to them."""

    def __init__(self, tmp_path: Path, way: str) -> None:
        self.files = tmp_path / "p"
        self.keep = put(self.files / "a" / "x.jpg")
        self.first = put(self.files / "b" / "x.jpg", mode=0o600, mtime_ns=OLD + 1)
        self.second = put(self.files / "c" / "d" / "x.jpg", mtime_ns=OLD + 2)
        drops = [row(1, "drop", self.first), row(1, "drop", self.second)]
        self.before = seen(self.files)
        plan = plan_of(tmp_path / "plan", [row(1, "keep", self.keep), *drops])
        self.report = apply(plan, way, tmp_path / "dropped", dry_run=False)
        assert len(self.report.done) == 2
        assert self.report.log is not None
        self.log: Path = self.report.log

    def undo(self) -> UndoReport:
        """Undo it."""
        return undo(self.log)


@pytest.fixture(params=WAYS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """Return a case of each way."""
    return Case(tmp_path, request.param)


def test_all_comes_back_once(case: Case) -> None:
    assert set(case.undo().restored) == {str(case.first), str(case.second)}
    assert seen(case.files) == case.before
    assert not case.first.samefile(case.keep)
    assert case.undo() == UndoReport()
    assert seen(case.files) == case.before


def test_folders_that_are_gone_are_made_again(tmp_path: Path) -> None:
    case = Case(tmp_path, "move")
    shutil.rmtree(case.files / "c")
    case.undo()
    assert seen(case.files) == case.before


def test_something_else_at_the_place_is_left(case: Case) -> None:
    case.first.unlink(missing_ok=True)
    put(case.first, b"")
    undone = case.undo()
    assert undone.restored == [str(case.second)]
    assert "something else is at its place now" in undone.failed[0].reason
    assert case.first.read_bytes() == b""
    case.first.unlink()
    assert case.undo().failed == []
    assert seen(case.files) == case.before


def test_a_moved_file_that_was_edited_stays_where_it_is(tmp_path: Path) -> None:
    case = Case(tmp_path, "move")
    edited = put(tmp_path / "dropped" / "b" / "x.jpg", b"edited")
    undone = case.undo()
    assert "dropped/b/x.jpg' has changed" in undone.failed[0].reason
    assert edited.read_bytes() == b"edited"
    assert not case.first.exists()


def test_a_deleted_file_whose_kept_one_was_edited_can_not_come_back(tmp_path: Path) -> None:
    case = Case(tmp_path, "delete")
    put(case.keep, b"edited")
    undone = case.undo()
    assert len(undone.failed) == 2
    assert f"'{case.keep}' has changed" in undone.failed[0].reason


def test_a_linked_file_that_was_edited_is_left(tmp_path: Path) -> None:
    case = Case(tmp_path, "hardlink")
    case.first.write_bytes(b"edited")
    assert len(case.undo().failed) == 2
    assert case.second.read_bytes() == b"edited"


def test_a_linked_file_comes_back_without_the_kept_one(tmp_path: Path) -> None:
    case = Case(tmp_path, "hardlink")
    case.keep.unlink()
    assert len(case.undo().restored) == 2
    del case.before["a/x.jpg"]
    assert seen(case.files) == case.before


def test_a_folder_that_became_a_link_to_the_moved_files_costs_none(tmp_path: Path) -> None:
    case = Case(tmp_path, "move")
    case.first.parent.rmdir()
    case.first.parent.symlink_to(tmp_path / "dropped" / "b")
    case.undo()
    assert case.first.read_bytes() == b"one"


def test_folders_with_something_in_them_stay(tmp_path: Path) -> None:
    case = Case(tmp_path, "move")
    mine = put(tmp_path / "dropped" / "b" / "mine.txt")
    case.undo()
    assert [path for path in (tmp_path / "dropped").rglob("*") if path.is_file()] == [mine]
    assert not (tmp_path / "dropped" / "c").exists()


def test_a_last_line_cut_short_anywhere_is_no_damage(tmp_path: Path) -> None:
    case = Case(tmp_path, "delete")
    *lines, last = case.log.read_bytes().splitlines(keepends=True)
    for end in range(len(last)):
        case.log.write_bytes(b"".join(lines) + last[:end])
        case.undo()
        assert seen(case.files) == case.before
        case.first.unlink()


def test_an_act_cut_short_never_began(tmp_path: Path) -> None:
    case = Case(tmp_path, "move")
    case.undo()
    header, act, *_ = case.log.read_bytes().splitlines(keepends=True)
    for end in (0, 1, len(act) // 2, len(act) - 2):
        case.log.write_bytes(header + act[:end])
        assert case.undo() == UndoReport()
    case.log.write_bytes(b"")
    assert case.undo() == UndoReport()


@pytest.mark.parametrize(
    ("line", "damage", "message"),
    [
        (0, "group,action", "is no log of simsearch apply"),
        (0, '{"simsearch": "apply", "version": 2}', "was written by a newer simsearch"),
        (0, "[1]", "line 1 is damaged"),
        (1, '{"act": 1', "line 2 is damaged"),
        (1, '{"act": 1}', "line 2 is damaged"),
        (1, '{"what": 1}', "line 2 is damaged"),
        (2, '{"done": 9}', "line 3 is damaged"),
    ],
)
def test_damage_is_told(tmp_path: Path, line: int, damage: str, message: str) -> None:
    case = Case(tmp_path, "move")
    lines = case.log.read_text().splitlines()
    lines[line] = damage
    case.log.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=message):
        case.undo()


@pytest.mark.parametrize(
    "changes",
    [{"source": "b.jpg"}, {"temporary": "../x"}, {"mode": "640"}, {"kept": 3}, {"target": "/\0"}],
)
def test_values_that_can_not_be_are_damage(tmp_path: Path, changes: dict[str, object]) -> None:
    case = Case(tmp_path, "move")
    lines = case.log.read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), **changes})
    case.log.write_text("\n".join(lines))
    with pytest.raises(InputError, match="line 2 is damaged"):
        case.undo()


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        undo(tmp_path / "log")
