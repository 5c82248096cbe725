"""Which files below the folders count, and whose rows are gone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simsearch import Selection
from simsearch.errors import FolderError
from tests.collection.conftest import (
    Library,
    counts,
    hashes_of_files,
    hashes_of_rows,
    picture_bytes,
    put,
    rows,
)


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(exclude=("b",)), {"a/one.jpg", "a/two.jpg"}),
        (Selection(include=("t*.jpg",)), {"a/two.jpg", "b/three.jpg"}),
        (Selection(include=("a/*",), exclude=("two.*",)), {"a/one.jpg"}),
    ],
)
def test_globs_drop_what_they_leave_out_and_a_later_run_brings_it_back(
    three: Library, selection: Selection, kept: set[str]
) -> None:
    left_out = 3 - len(kept)
    report = three.collection.add(three.folder, selection=selection)
    assert counts(report) == {"removed": left_out, "unchanged": len(kept)}
    assert set(rows(three.collection)) == {three.folder / name for name in kept}
    assert three.sync() == {"new": left_out, "unchanged": len(kept)}


def test_hidden_files_are_left_out_unless_asked_for(three: Library) -> None:
    hidden = [three.put(name, 8) for name in (".hidden.jpg", ".cache/one.jpg")]
    assert counts(three.collection.add(three.folder)) == {"unchanged": 3}
    report = three.collection.add(three.folder, selection=Selection(hidden=True))
    assert counts(report) == {"new": 1, "duplicates_of_content": 1, "unchanged": 3}
    assert set(hidden) < set(rows(three.collection))


def test_several_folders_at_once(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "other"
    library.put("one.jpg", 1)
    put(other / "one.jpg", picture_bytes(1))
    put(other / "two.jpg", picture_bytes(2))
    report = library.collection.add(library.folder, other, library.folder)
    assert counts(report) == {"new": 2, "duplicates_of_content": 1}
    assert report.root == [str(library.folder), str(other)]
    assert hashes_of_rows(library.collection) == hashes_of_files(library.folder, other)


@pytest.mark.parametrize("order", [("", "a"), ("a", "")])
def test_nested_folders_give_each_path_once(library: Library, order: tuple[str, ...]) -> None:
    library.put("a/one.jpg", 1)
    library.put("two.jpg", 2)
    report = library.collection.add(*(library.folder / name for name in order))
    assert counts(report) == {"new": 2}
    ids = {path: row.id for path, row in rows(library.collection).items()}
    for name in order:
        report = library.collection.add(library.folder / name)
        assert counts(report) == {"unchanged": 2}
    assert {path: row.id for path, row in rows(library.collection).items()} == ids


def test_link_whose_target_is_gone_loses_its_row(three: Library, tmp_path: Path) -> None:
    target = put(tmp_path / "elsewhere" / "target.jpg", picture_bytes(8))
    link = three.folder / "link.jpg"
    link.symlink_to(target)
    three.sync()
    target.unlink()
    report = three.collection.add(three.folder)
    assert (report.images, report.failed) == (3, 1)
    assert link not in rows(three.collection)


def unreadable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the system refuse to list a folder."""
    real: Callable[[Any], Any] = os.scandir

    def scandir(path: Any = ".") -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_unreadable_sub_folder_keeps_its_rows(
    three: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        unreadable(patch, three.folder / "b")
        report = three.collection.add(three.folder)
    assert counts(report) == {"unchanged": 3}
    (failure,) = three.collection.failures()
    assert (failure.path, failure.kind) == ("b", "unreadable")
    assert three.sync() == {"unchanged": 3}
    assert three.collection.failures() == []


def test_unreadable_folder_changes_nothing(three: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    unreadable(monkeypatch, three.folder)
    with pytest.raises(FolderError, match="Permission denied"):
        three.collection.add(three.folder)
    assert three.collection.manifest.generation == 1


def test_folder_without_a_picture_changes_nothing(three: Library) -> None:
    for path in hashes_of_files(three.folder):
        path.unlink()
    with pytest.raises(FolderError, match="no picture found"):
        three.collection.add(three.folder)
    assert len(rows(three.collection)) == 3
