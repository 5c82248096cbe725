"""Any tree, any plan, any way: nothing is lost, and undo brings all back."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simsearch.actions.apply import ApplyReport, apply
from simsearch.actions.plan import Action, PlanRow
from simsearch.actions.undo import undo
from tests.actions.trees import Seen, contents, environment, plan_of, put, quick_folder, row, seen

FOLDERS = ["", "a", "a/deeper", "b", "c d"]
NAMES = ["x.jpg", "X.JPG", "-rf", "new\nline.jpg", "q\"uo'te.jpg", "é.png", "\udcff\udcfe.jpg", "~"]
CONTENTS = [b"", b"one", b"two", b"three" * 400]
FATES = [*["as planned"] * 6, "missing", "changed", "symlink", "folder", "hard link", "alias"]


@dataclass(frozen=True)
class Spec:
    """A file to make and its row; the fate befalls it after the plan was made."""

    folder: str
    name: str
    data: bytes
    mode: int
    group: int
    action: str
    fate: str


SPECS = st.lists(
    st.builds(
        Spec,
        st.sampled_from(FOLDERS),
        st.sampled_from(NAMES),
        st.sampled_from(CONTENTS),
        st.sampled_from([0o644, 0o444, 0o600]),
        st.integers(1, 3),
        st.sampled_from(["keep", "drop", "drop", "not-duplicate"]),
        st.sampled_from(FATES),
    ),
    max_size=9,
    min_size=2,
    unique_by=lambda spec: (spec.folder, spec.name),
)


def make(files: Path, specs: list[Spec]) -> list[PlanRow]:
    """Make the tree and return its rows; aliases go through a link to the folder."""
    files.mkdir()
    (files / "alias").symlink_to(files)
    rows = []
    for number, spec in enumerate(specs):
        path = files / spec.folder / spec.name
        put(path, spec.data, spec.mode, 1_400_000_000_000_000_000 + number)
        rows.append(row(spec.group, spec.action, path))
        if spec.fate == "alias":
            other = "keep" if spec.action == "drop" else "drop"
            through = files / "alias" / spec.folder / spec.name
            rows.append(row(spec.group, other, through))
    for spec in specs:
        befall(files / spec.folder / spec.name, spec.fate)
    return rows


def befall(path: Path, fate: str) -> None:
    """Change a file as its fate says."""
    if fate == "hard link":
        path.with_name(f"{path.name} linked").hardlink_to(path)
    if fate in {"missing", "changed", "symlink", "folder"}:
        path.unlink()
    if fate == "changed":
        put(path, b"changed" + path.name.encode("utf-8", "surrogateescape"))
    if fate == "symlink":
        path.symlink_to("x.jpg")
    if fate == "folder":
        path.mkdir()


def is_there(row: PlanRow) -> bool:
    """Tell whether a row's file is a regular one with the row's bytes."""
    path = Path(row.path)
    if path.is_symlink() or not path.is_file():
        return False
    return sha256(path.read_bytes()).hexdigest() == row.content_hash


def check_applied(rows: list[PlanRow], kept_before: set[str], report: ApplyReport) -> None:
    """Check that what was to stay is there, and that each touched group has a kept file."""
    assert {r.path for r in rows if r.action is not Action.DROP and is_there(r)} == kept_before
    for dropped in report.done:
        kept = [r for r in rows if r.group == dropped.group and r.action is Action.KEEP]
        assert any(is_there(r) for r in kept)
    reported = {d.path for d in report.done} | {left.path for left in report.skipped}
    assert reported == {r.path for r in rows if r.action is Action.DROP}


@pytest.mark.parametrize("way", ["move", "trash", "hardlink", "delete"])
@settings(deadline=None, max_examples=40)
@given(specs=SPECS)
def test_nothing_is_lost(way: str, specs: list[Spec]) -> None:
    with quick_folder() as folder, environment(XDG_DATA_HOME=str(folder / "data")):
        check_way(way, specs, folder)


def check_way(way: str, specs: list[Spec], folder: Path) -> None:
    """Apply a plan and undo it, and check the tree after each step."""
    files = folder / "files"
    rows = make(files, specs)
    plan = plan_of(folder / "plan", rows)
    before, bytes_before = seen(files), contents(files)
    kept_before = {r.path for r in rows if r.action is not Action.DROP and is_there(r)}

    promised = apply(plan, way, folder / "dropped")
    assert seen(files) == before
    assert [path.name for path in folder.iterdir() if path != files] == ["plan"]
    report = apply(plan, way, folder / "dropped", dry_run=False)
    check_applied(rows, kept_before, report)
    assert {d.path for d in promised.done} >= {d.path for d in report.done}
    if way != "delete":
        assert contents(folder) >= bytes_before
    if report.log is None:
        assert report.done == []
        return
    check_undone(report, files, before)


def check_undone(report: ApplyReport, files: Path, before: Seen) -> None:
    """Undo twice, and check that only what no kept file equals stays away."""
    assert report.log is not None
    final = {dropped.path for dropped in report.done if not dropped.restorable}
    undone = undo(report.log)
    after = seen(files)
    assert {left.path for left in undone.failed} == final
    assert len(undone.restored) == len(report.done) - len(final)
    assert len(after) == len(before) - len(final)
    assert after.items() <= before.items()
    assert {path.name for path in files.parent.iterdir()} == {"files", "plan"}
    assert undo(report.log).restored == []
    assert seen(files) == after
